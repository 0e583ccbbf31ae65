import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { sql } from 'kysely';
import { DEPARTURES, NATS } from '#libs/broker';
import {
  accountGet,
  authenticate,
  authLogin,
  authRefresh,
  departureEvents,
  departureSubject,
  departuresList,
  myApiTokensCreate,
  NOBODY,
  teamsCreate,
  usersGet,
  type CloudEvent,
  type CompletedDeparture,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { affectedBy, TestDepartures } from '../testing/departures.js';
import { outcomeOf, ownerOf, PASSWORD, tally, type TestIdentity, sessionOf } from '../testing/identity.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: Principal;
let email: string;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  const team = await identity.call(teamsCreate, { principal: owner, body: { name: 'Sales' } });
  const user = await identity.aUser(owner, { roles: ['admin', 'agent'], teamIds: [team.id] });
  leaver = { accountId: owner.accountId, userId: user.id, roles: user.roles };
  email = user.email!;
});
afterAll(() => departures.stop());

const login = () => identity.call(authLogin, { principal: NOBODY, body: { email, password: PASSWORD } });
const createToken = async (self?: Principal) =>
  identity.call(myApiTokensCreate, {
    principal: self ?? { ...leaver, sessionId: sessionOf((await login()).accessToken) },
    body: { name: 'CI', scopes: ['read'] },
  });
const user = () => identity.call(usersGet, { principal: owner, params: { id: leaver.userId } });
/** Creates sessions, tokens, invitations, caretakers, and rows in another service. */
async function belongings(): Promise<void> {
  await login();
  await createToken();
  await identity.aUser(leaver, { password: undefined });
  const ward = await identity.aUser(owner);
  await identity.query(sql`update users set caretaker_id = ${leaver.userId} where id = ${ward.id}`);
  await identity.query(sql`update users set caretaker_id = ${owner.userId} where id = ${leaver.userId}`);
  await departures.peer.give(owner.accountId, leaver.userId, 'record', 3);
  await departures.peer.give(owner.accountId, leaver.userId, 'call', 2);
}

describe('a deactivated user', () => {
  it('is signed out, cannot sign in, and keeps name, roles and teams', async () => {
    const before = await user();
    const { accessToken, refreshToken } = await login();
    const { token } = await createToken();
    await departures.deactivate(owner, leaver.userId);
    for (const one of [accessToken, token]) expect(await identity.client.ask(authenticate, { token: one })).toBeNull();
    expect(await outcomeOf(identity.call(authRefresh, { principal: NOBODY, body: { refreshToken } }))).toBe(
      'unauthenticated',
    );
    expect(await outcomeOf(login())).toBe('account-inactive');
    expect(await user()).toEqual({
      ...before,
      status: 'deactivated',
      lifecycleVersion: before.lifecycleVersion + 1,
      deactivatedAt: expect.any(String),
    });
  });

  it('frees the seat', async () => {
    const used = async () => (await identity.call(accountGet, { principal: owner })).seats.used;
    const before = await used();
    await departures.deactivate(owner, leaver.userId);
    expect(await used()).toBe(before - 1);
  });

  it('cannot sign in or create a token concurrently', async () => {
    for (let round = 0; round < 5; round++) {
      const self = await identity.signedIn(leaver);
      await Promise.all([
        departures.deactivate(owner, leaver.userId),
        ...[1, 2, 3].map(() => outcomeOf(login())),
        ...[1, 2, 3].map(() => outcomeOf(createToken(self))),
      ]);
      const left = await identity.query(sql`
        select id from session where user_id = ${leaver.userId} and not revoked
        union all select id from api_token where user_id = ${leaver.userId} and not revoked`);
      expect(left).toEqual([]);
      await departures.reactivate(owner, leaver.userId);
    }
  });

  it('is deactivated once by concurrent requests', async () => {
    const all = Array.from({ length: 8 }, () => departures.deactivate(owner, leaver.userId));
    expect(await tally(all)).toEqual({ conflict: 7, ok: 1 });
  });
});

describe('a reactivated user', () => {
  it('has the former password, roles, teams and seat, but no old tokens', async () => {
    const before = await user();
    const { accessToken, refreshToken } = await login();
    const { token } = await createToken();
    await departures.deactivate(owner, leaver.userId);
    const departure = await departures.reactivate(owner, leaver.userId);
    expect(departure).toMatchObject({ transition: 'reactivated', status: 'running' });
    expect(await user()).toEqual({ ...before, lifecycleVersion: before.lifecycleVersion + 2 });
    for (const one of [accessToken, token]) expect(await identity.client.ask(authenticate, { token: one })).toBeNull();
    expect(await outcomeOf(identity.call(authRefresh, { principal: NOBODY, body: { refreshToken } }))).toBe(
      'unauthenticated',
    );
    expect(await outcomeOf(login())).toBe('ok');
    await departures.until(owner, departure, 'completed');
  });

  it('needs a free seat', async () => {
    await departures.deactivate(owner, leaver.userId);
    await identity.query(sql`update account set seats = 1 where id = ${owner.accountId}`);
    expect(await outcomeOf(departures.reactivate(owner, leaver.userId))).toBe('no-free-seat');
  });

  it('can leave again, and all rules are applied again', async () => {
    await departures.until(owner, await departures.deactivate(owner, leaver.userId), 'completed');
    await departures.until(owner, await departures.reactivate(owner, leaver.userId), 'completed');
    await login();
    await departures.peer.give(owner.accountId, leaver.userId, 'call');
    const again = await departures.until(owner, await departures.deactivate(owner, leaver.userId), 'completed');
    expect(affectedBy(again)).toMatchObject({ 'identity.sessions deactivated': 1, 'telephony.calls deactivated': 1 });
  });
});

describe('a departure', () => {
  it('is completed when every service is and no rows remain', async () => {
    await belongings();
    const started = await departures.deactivate(owner, leaver.userId, { reason: 'End of contract' });
    expect(started).toMatchObject({
      userId: leaver.userId,
      transition: 'deactivated',
      status: 'running',
      requestedBy: owner.userId,
      completedAt: null,
      reason: 'End of contract',
      progress: { done: 1, total: 2 },
      services: [
        { service: 'identity', status: 'completed' },
        { service: 'telephony', status: 'pending', rules: [] },
      ],
    });
    const departure = await departures.until(owner, started, 'completed');
    expect(departure).toMatchObject({ completedAt: expect.any(String), progress: { done: 2, total: 2 } });
    expect(departure.services.flatMap((one) => one.rules).map((line) => line.remaining)).not.toContainEqual(null);
    expect(departure.services.flatMap((one) => one.rules).reduce((sum, line) => sum + line.remaining!, 0)).toBe(0);
  });

  it('uses the policy and the request at the time of the decision', async () => {
    await belongings();
    const started = await departures.deactivate(owner, leaver.userId, {
      overrides: { 'telephony.records': 'unassign' },
      successors: { 'telephony.calls': owner.userId },
    });
    const { services } = await departures.until(owner, started, 'completed');
    expect(services[1]!.rules).toMatchObject([
      { rule: 'telephony.records', action: 'unassign', affected: 3 },
      { rule: 'telephony.calls', action: 'transfer', affected: 2, transferredTo: owner.userId },
    ]);
    expect(await departures.peer.owned(owner.userId, 'call')).toBe(2);
  });

  it('leaves out the rules that an earlier deactivation has applied', async () => {
    await belongings();
    await departures.until(owner, await departures.deactivate(owner, leaver.userId), 'completed');
    const deletion = await departures.until(owner, await departures.delete(owner, leaver.userId), 'completed');
    const lines = deletion.services.flatMap((one) => one.rules);
    expect(new Set(lines.map((line) => line.transition))).toEqual(new Set(['deleted']));
    expect(affectedBy(deletion)).toMatchObject({
      'identity.credentials deleted': 1,
      'identity.memberships roles deleted': 2,
      'identity.caretakers of deleted': 1,
      'telephony.records deleted': 3,
    });
  });

  it('can be listed by user and status', async () => {
    const started = await departures.deactivate(owner, leaver.userId);
    await departures.until(owner, started, 'completed');
    const list = async (query: object) => (await identity.call(departuresList, { principal: owner, query })).items;
    expect((await list({})).map((one) => one.id)).toEqual([started.id]);
    expect(await list({ userId: leaver.userId, status: 'completed' })).toHaveLength(1);
    expect(await list({ status: 'running' })).toEqual([]);
    expect(await list({ userId: owner.userId })).toEqual([]);
    const stranger = ownerOf(await identity.anAccount());
    expect(await outcomeOf(departures.get(stranger, started.id))).toBe('not-found');
  });

  it('is listed with the states of its services and the names of people, without what the rules have done', async () => {
    await belongings();
    const { id } = await departures.deactivate(owner, leaver.userId);
    const departure = await departures.until(owner, { id }, 'completed');
    const { items } = await identity.call(departuresList, { principal: owner, query: {} });
    const { services, ...others } = departure;
    expect(services.flatMap(({ rules }) => rules).length).toBeGreaterThan(5);
    const names = {
      user: expect.objectContaining({ id: leaver.userId }),
      requester: expect.objectContaining({ id: owner.userId }),
    };
    const listed = services.map(({ rules: _rules, ...service }) => service);
    expect(items).toEqual([{ ...others, ...names, services: listed }]);
  });

  it('has numbered progress events up to its end', async () => {
    await belongings();
    const started = await departures.deactivate(owner, leaver.userId);
    await departures.until(owner, started, 'completed');
    const ask = (after: number, accountId = owner.accountId) =>
      identity.client.ask(departureEvents, { accountId, departureId: started.id, after });
    const { events, final } = await ask(0);
    expect(final).toBe(true);
    expect(events.map((event) => event.n)).toEqual(events.map((_, index) => index + 1));
    const data = { service: 'telephony', rule: 'telephony.calls', action: 'unassign', affected: 2 };
    expect(events).toContainEqual(expect.objectContaining({ type: 'rule', data: expect.objectContaining(data) }));
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'service', data: { service: 'telephony', status: 'completed' } }),
    );
    expect(events.at(-1)).toMatchObject({ type: 'departure', data: { id: started.id, status: 'completed' } });
    // Also from the middle of the events that a service reported together.
    for (const { n } of events) expect((await ask(n)).events).toEqual(events.slice(n));
    expect(await outcomeOf(ask(0, leaver.userId))).toBe('not-found');
  });

  it('is published as an event when it is completed', async () => {
    const started = await departures.deactivate(owner, leaver.userId);
    await departures.until(owner, started, 'completed');
    const { streams } = await jetstreamManager(identity.service.app.get<NatsConnection>(NATS, { strict: false }));
    await eventually(async () => {
      const message = await streams.getMessage(DEPARTURES.name, {
        last_by_subj: departureSubject('departure.completed', owner.accountId, leaver.userId),
      });
      const { data } = message!.json<CloudEvent<CompletedDeparture>>();
      expect(data).toMatchObject({ departureId: started.id, userId: leaver.userId, transition: 'deactivated' });
    });
  });
});
