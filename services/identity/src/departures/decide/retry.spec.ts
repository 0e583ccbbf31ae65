import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { sql } from 'kysely';
import { createHash } from 'node:crypto';
import { NATS, USERS } from '#libs/broker';
import {
  auditList,
  departuresRetry,
  directoryLookup,
  rulesList,
  userSubject,
  usersTransfer,
  usersUpdate,
  type Departure,
  type Principal,
  type UserEvent,
} from '#libs/contracts';
import { TaskWorker } from '#libs/lifecycle';
import { eventually } from '#libs/test-kit';
import { affectedBy, TestDepartures } from '../../testing/departures.js';
import { outcomeOf, ownerOf, type TestIdentity } from '../../testing/identity.js';
import { Peer } from '../../testing/peer.js';
import { Progress } from '../store/progress.js';
import { CompletionWorker } from '../track/completion.worker.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
  leaver = await identity.aPerson(owner);
  await departures.peer.give(owner.accountId, leaver.userId, 'call', 2);
});
afterAll(() => departures.stop());

const deactivate = () => departures.deactivate(owner, leaver.userId);

describe('a retry', () => {
  let messaging: Peer;
  beforeAll(async () => {
    messaging = await Peer.start(identity, 'messaging');
    const somebody = ownerOf(await identity.anAccount());
    await eventually(async () => {
      const { items } = await identity.call(rulesList, { principal: somebody });
      expect(items.some((rule) => rule.service === 'messaging')).toBe(true);
    });
  });
  afterAll(async () => {
    await identity.query(sql`delete from service_rules where service = 'messaging'`);
    await messaging.stop();
  });

  const retry = (id: string) => identity.call(departuresRetry, { principal: owner, params: { id } });

  /** Creates a departure that has failed in telephony. */
  async function failedDeparture(): Promise<Departure> {
    await departures.peer.give(owner.accountId, leaver.userId, 'stuck');
    const started = await deactivate();
    await eventually(async () => {
      identity.clock.advance(3_600_001);
      await departures.peer.get(TaskWorker).drain();
      expect((await departures.get(owner, started.id)).status).toBe('failed');
    });
    return departures.get(owner, started.id);
  }

  it('runs only the failed services again', async () => {
    const failed = await failedDeparture();
    expect(failed.services.map((one) => [one.service, one.status])).toEqual([
      ['identity', 'completed'],
      ['messaging', 'completed'],
      ['telephony', 'failed'],
    ]);
    await departures.peer.query(sql`update thing set kind = 'call' where kind = 'stuck'`);
    const answers = () => messaging.query(sql`select lines, finished_at from inbox where user_id = ${leaver.userId}`);
    const before = await answers();
    const retried = await retry(failed.id);
    expect(retried).toMatchObject({ status: 'running', progress: { done: 2, total: 3 } });
    const departure = await departures.until(owner, failed, 'completed');
    expect(affectedBy(departure)).toMatchObject({ 'telephony.calls deactivated': 3 });
    expect(await answers()).toEqual(before);
    expect(departure.services.slice(0, 2).map((one) => one.rules.map((rule) => rule.finishedAt))).toEqual(
      failed.services.slice(0, 2).map((one) => one.rules.map((rule) => rule.finishedAt)),
    );
    const { items } = await identity.call(auditList, { principal: owner, query: { action: 'departure.retried' } });
    expect(items).toHaveLength(1);
  });

  it('gives other services the digests of what a deleted user is and was called until the completion erases them; no event has them', async () => {
    owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
    const { id: userId, staffId } = await identity.aUser(owner, { email: 'Ada.B@Example.org' });
    const change = { email: 'Ada.Q@Example.org' };
    await identity.call(usersUpdate, { principal: owner, params: { id: userId }, body: change });
    const transferred = { name: 'Ada Q', email: 'ada.t@example.org', staffId: 'AQ-1' };
    await identity.call(usersTransfer, { principal: owner, params: { id: userId }, body: transferred });
    await identity.call(usersUpdate, { principal: owner, params: { id: userId }, body: change });
    const stranger = ownerOf(await identity.anAccount());
    const lookedUp = async ({ accountId }: Principal) =>
      (await identity.client.ask(directoryLookup, { accountId, userIds: [userId] })).people.map(
        ({ address }) => address,
      );
    expect(await lookedUp(owner)).toEqual([undefined]);
    await departures.peer.give(owner.accountId, userId, 'stuck');
    const { id } = await departures.delete(owner, userId);
    const failed = () =>
      eventually(async () => {
        identity.clock.advance(3_600_001);
        await departures.peer.get(TaskWorker).drain();
        expect((await departures.get(owner, id)).status).toBe('failed');
      });
    await failed();
    const { streams } = await jetstreamManager(identity.service.app.get<NatsConnection>(NATS, { strict: false }));
    const subject = userSubject('user.deleted', owner.accountId, userId);
    const digestOf = (salt: string, text: string) => createHash('sha256').update(`${salt}:${text}`).digest('hex');
    const digest = digestOf(id, 'ada.q@example.org');
    const formerDigest = digestOf(id, 'ada.t@example.org');
    const expectEventWithoutDigest = async (round: number) => {
      const message = await streams.getMessage(USERS.name, { last_by_subj: subject });
      const firstAdminId = owner.userId;
      expect(message!.json<UserEvent>().data.departure).toMatchObject({ hasAddress: true, firstAdminId, round });
      for (const one of [digest, formerDigest]) expect(message!.string()).not.toContain(one);
    };
    await expectEventWithoutDigest(0);
    expect(await lookedUp(owner)).toEqual([{ departureId: id, digest }]);
    expect(await lookedUp(stranger)).toEqual([]);
    const identifiers = async () =>
      (await identity.client.ask(directoryLookup, { accountId: owner.accountId, userIds: [userId] })).people[0]!
        .identifiers;
    const expectIdentifiers = async () => {
      const found = (await identifiers())!;
      expect(found.flatMap(({ digests }) => digests)).toContain(formerDigest);
      for (const text of ['ada.b@example.org', staffId!.toLowerCase()])
        expect(found.some(({ salt, digests }) => digests.includes(digestOf(salt, text)))).toBe(true);
    };
    await expectIdentifiers();
    await retry(id);
    await eventually(() => expectEventWithoutDigest(1));
    await expectIdentifiers();
    await failed();
    await departures.peer.query(sql`update thing set kind = 'call' where kind = 'stuck'`);
    await departures.until(owner, await retry(id), 'completed');
    expect(await lookedUp(owner)).toEqual([undefined]);
    expect(await identifiers()).toBeUndefined();
    expect(
      await identity.query(sql`select address_digest, identifier_digests from departure where id = ${id}`),
    ).toEqual([{ address_digest: null, identifier_digests: null }]);
    expect(await identity.query(sql`select from former_person where user_id = ${userId}`)).toEqual([]);
  });

  it('of a running departure tries what waits at once', async () => {
    await departures.peer.give(owner.accountId, leaver.userId, 'stuck');
    const started = await deactivate();
    const telephony = async () => (await departures.get(owner, started.id)).services.at(-1)!;
    await eventually(async () => {
      const { failure } = await telephony();
      expect(failure).toMatchObject({ rule: 'telephony.calls', table: 'thing' });
      // The next try is a minute away then.
      if (failure!.attempts < 4) identity.clock.advance(15_000);
      expect(failure!.attempts).toBeGreaterThanOrEqual(4);
    });
    await departures.peer.query(sql`update thing set kind = 'call' where kind = 'stuck'`);
    const retried = await retry(started.id);
    expect(retried).toMatchObject({ status: 'running', progress: { done: 2, total: 3 } });
    expect(retried.services.at(-1)).not.toHaveProperty('failure');
    const completed = await departures.until(owner, started, 'completed');
    expect(affectedBy(completed)).toMatchObject({ 'telephony.calls deactivated': 3 });
    const { events } = await identity.get(Progress).since(owner.accountId, started.id, 0);
    expect(events.map(({ n }) => n)).toEqual(events.map((_, index) => index + 1));
  });

  it('of a departure that waits for a service publishes its event at once', async () => {
    await departures.peer.pause();
    const started = await deactivate();
    await eventually(async () => {
      const { services } = await departures.get(owner, started.id);
      expect(services.map(({ status }) => status)).toEqual(['completed', 'completed', 'pending']);
      expect(services.at(-1)!.awaited).toMatchObject({ attempts: 1, nextTryAt: expect.any(String) });
    });
    await departures.peer.start();
    await retry(started.id);
    await departures.until(owner, started, 'completed');
  });

  it('can fail again and be repeated', async () => {
    const failed = await failedDeparture();
    await retry(failed.id);
    await eventually(async () => {
      identity.clock.advance(3_600_001);
      await departures.peer.get(TaskWorker).drain();
      expect((await departures.get(owner, failed.id)).status).toBe('failed');
    });
    await departures.peer.query(sql`update thing set kind = 'call' where kind = 'stuck'`);
    await retry(failed.id);
    await departures.until(owner, failed, 'completed');
  });

  it('repeats only the proof if only the proof has failed', async () => {
    const completed = await departures.until(owner, await deactivate(), 'completed');
    await departures.peer.give(owner.accountId, leaver.userId, 'call', 2);
    await identity.query(
      sql`update departure set status = 'running', close_after = '-infinity' where id = ${completed.id}`,
    );
    identity.get(CompletionWorker).wake();
    const failed = await departures.until(owner, completed, 'failed');
    expect(failed.services.at(-1)).toMatchObject({
      service: 'telephony',
      status: 'failed',
      error: 'remaining',
      rules: [{ remaining: 0 }, { rule: 'telephony.calls', remaining: 2 }],
    });
    await departures.peer.query(sql`update thing set owner = null where owner = ${leaver.userId}`);
    await retry(failed.id);
    await departures.until(owner, completed, 'completed');
  });

  it('is refused for a departure that has not failed, for agents, and for other accounts', async () => {
    const { id } = await departures.until(owner, await deactivate(), 'completed');
    expect(await outcomeOf(retry(id))).toBe('conflict');
    const agent = await identity.aPerson(owner);
    const asAgent = identity.call(departuresRetry, { principal: { ...agent, roles: ['owner'] }, params: { id } });
    expect(await outcomeOf(asAgent)).toBe('forbidden');
    const stranger = ownerOf(await identity.anAccount());
    expect(await outcomeOf(identity.call(departuresRetry, { principal: stranger, params: { id } }))).toBe('not-found');
  });
});
