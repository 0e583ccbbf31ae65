import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { sql } from 'kysely';
import { NATS, USERS } from '#libs/broker';
import {
  accountUpdate,
  allOfUser,
  auditList,
  auditVerify,
  authLogin,
  caretakerPut,
  legalHoldLift,
  legalHoldPut,
  myApiTokensCreate,
  NOBODY,
  passwordResetRequest,
  usersGet,
  userSubject,
  usersUpdate,
  type Departure,
  type Principal,
  type User,
  type UserEvent,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../testing/departures.js';
import { outcomeOf, ownerOf, PASSWORD, type TestIdentity } from '../../testing/identity.js';

const NAME = 'Zenobia Quartermaine';
const RENAMED = 'Zenobia Quartermaine-Smythe';
const EMAIL = 'zenobia.q@example.org';
const STAFF_ID = 'ZQ-77-4411';
const FORMER = { name: 'Former Colleague', email: 'former@example.org', staffId: 'FC-1' };
const TRACES = ['Quartermaine', 'zenobia', 'ZQ-77', '203.0.113.77', 'QuartzBrowser'];

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let leaver: User;
/** Another deleted user, for tests that change something after the deletion. */
let former: User;
let deactivation: Departure;
let deletion: Departure;
let streams: JetStreamManager['streams'];

const published = async (id: string) => {
  const { state } = await streams.info(USERS.name, { subjects_filter: allOfUser(owner.accountId, id) });
  return Object.keys(state.subjects ?? {});
};

beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
  ({ streams } = await jetstreamManager(identity.service.app.get<NatsConnection>(NATS, { strict: false })));
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  leaver = await identity.aUser(owner, { name: NAME, email: EMAIL, staffId: STAFF_ID, roles: ['admin'] });
  await live();
  deactivation = await departures.deactivate(owner, leaver.id, { reason: `${NAME} has left` });
  await departures.until(owner, deactivation, 'completed');
  expect(await traces()).not.toEqual([]);
  expect(await published(leaver.id)).not.toEqual([]);
  deletion = await departures.delete(owner, leaver.id, { reason: `${NAME} asked for it` });
  await departures.until(owner, deletion, 'completed');
  former = await identity.aUser(owner, FORMER);
  await departures.until(owner, await departures.delete(owner, former.id), 'completed');
}, 60_000);
afterAll(() => departures.stop());

/** Does everything that stores personal data. */
async function live(): Promise<void> {
  const { id } = leaver;
  const self: Principal = { accountId: owner.accountId, userId: id, roles: ['admin'] };
  const client = { ip: '203.0.113.77', userAgent: 'QuartzBrowser/1.0' };
  await identity.call(authLogin, { principal: NOBODY, body: { email: EMAIL, password: PASSWORD }, client });
  const signedIn = await identity.signedIn(self);
  const token = { name: 'zenobia’s laptop', scopes: ['read' as const] };
  await identity.call(myApiTokensCreate, { principal: signedIn, body: token });
  const email = `new.${EMAIL}`;
  await identity.call(usersUpdate, { principal: signedIn, params: { id }, body: { email } });
  await identity.call(passwordResetRequest, { principal: NOBODY, body: { email: EMAIL } });
  await identity.call(usersUpdate, {
    principal: self,
    params: { id },
    body: { name: RENAMED, avatarUrl: 'https://example.org/zenobia.png' },
  });
  await identity.call(accountUpdate, { principal: self, body: { name: 'Quartermaine & Co' } });
  await identity.call(accountUpdate, { principal: self, body: { name: 'Acme' } });
  await identity.call(legalHoldPut, { principal: owner, params: { id }, body: { reason: `${NAME} v. Acme` } });
  await identity.call(legalHoldLift, { principal: owner, params: { id } });
  await identity.call(caretakerPut, { principal: owner, params: { id }, body: { caretakerId: owner.userId } });
}

/** Searches all tables for the traces. @returns `table: trace` for each match */
async function traces(): Promise<string[]> {
  const tables = await identity.query(sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`);
  const found: string[] = [];
  for (const { name } of tables) {
    for (const trace of TRACES) {
      const rows = await identity.query(
        sql`select from ${sql.table(name)} t where t::text ilike ${`%${trace}%`} or t::text ilike ${`%${hex(trace)}%`}`,
      );
      if (rows.length > 0) found.push(`${name}: ${trace}`);
    }
  }
  return found;
}

const hex = (text: string): string => Buffer.from(text).toString('hex');

describe('a deleted user', () => {
  it('has no personal data left in any table', async () => {
    expect(await traces()).toEqual([]);
  });

  it('has no personal data left in the stream of events', async () => {
    await eventually(async () =>
      expect(await published(leaver.id)).toEqual([userSubject('user.deleted', owner.accountId, leaver.id)]),
    );
    expect(await published(owner.userId)).not.toEqual([]);
  });

  it('leaves a tombstone in the stream: the decision without any personal detail', async () => {
    const subject = userSubject('user.deleted', owner.accountId, leaver.id);
    const tombstone = await eventually(async () => {
      const message = (await streams.getMessage(USERS.name, { last_by_subj: subject }))!.json<UserEvent>();
      expect(message.tombstone).toBe(true);
      return message;
    });
    const { departure, profile, ...ids } = tombstone.data;
    const [decided] = await identity.query(sql<{ seq: string }>`select seq from departure where id = ${deletion.id}`);
    expect(ids).toEqual({
      accountId: owner.accountId,
      userId: leaver.id,
      seq: Number(decided!.seq),
      lifecycleVersion: 3,
    });
    expect(profile).toMatchObject({ name: null, staffId: null, status: 'deleted', teamIds: [] });
    expect(Object.keys(departure!).sort()).toEqual(
      ['activeSince', 'id', 'policy', 'round', 'steps', 'wasManager'].sort(),
    );
    expect(departure!.id).toBe(deletion.id);
    expect(tombstone).not.toHaveProperty('traceparent');
  });

  it('is shown as deleted', async () => {
    expect(await identity.call(usersGet, { principal: owner, params: { id: leaver.id } })).toEqual({
      id: leaver.id,
      staffId: null,
      name: 'Deleted user',
      email: null,
      avatarUrl: null,
      roles: [],
      teamIds: [],
      status: 'deleted',
      lifecycleVersion: 3,
      deactivatedAt: expect.any(String),
      deletedAt: expect.any(String),
      suspendedAt: null,
      legalHold: false,
      managerId: null,
      caretakerId: null,
    });
  });

  it('stays in the audit trail as an id: all entries are there, and the chain verifies', async () => {
    const { items } = await identity.call(auditList, { principal: owner, query: { subjectId: leaver.id, limit: 100 } });
    expect(items.map((entry) => entry.action)).toEqual([
      'departure.completed',
      'audit.scrubbed',
      'user.deleted',
      'departure.completed',
      'user.deactivated',
      'caretaker.set',
      'legal-hold.lifted',
      'legal-hold.set',
      'user.updated',
      'user.email-change-requested',
      'api-token.created',
      'user.signed-in',
      'user.signed-in',
      'user.created',
    ]);
    const scrubbed = items.filter((entry) => entry.action === 'audit.scrubbed');
    expect(scrubbed).toMatchObject([{ detail: { entries: expect.any(Number) } }]);
    const others = items.filter((entry) => entry.action !== 'audit.scrubbed');
    expect(others.every((entry) => entry.detail === null && entry.subject!.name === 'Deleted user')).toBe(true);
    expect(await identity.call(auditVerify, { principal: owner })).toMatchObject({ valid: true });
  });

  it('keeps the departures without their reasons', async () => {
    for (const { id } of [deactivation, deletion]) {
      expect(await departures.get(owner, id)).toMatchObject({ status: 'completed', reason: null });
    }
  });

  it('frees email and staff id, and cannot sign in', async () => {
    const { email, staffId } = FORMER;
    const login = identity.call(authLogin, { principal: NOBODY, body: { email, password: PASSWORD } });
    expect(await outcomeOf(login)).toBe('invalid-credentials');
    expect(await outcomeOf(identity.aUser(owner, { email, staffId }))).toBe('ok');
  });

  it('gets no new details in the audit trail', async () => {
    const body = { reason: `${FORMER.name} again` };
    await identity.call(legalHoldPut, { principal: owner, params: { id: former.id }, body });
    const { items } = await identity.call(auditList, { principal: owner, query: { subjectId: former.id } });
    expect(items[0]).toMatchObject({ action: 'legal-hold.set', detail: null });
    expect(await identity.call(auditVerify, { principal: owner })).toMatchObject({ valid: true });
  });
});
