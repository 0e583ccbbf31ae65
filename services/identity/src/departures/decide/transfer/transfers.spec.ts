import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { sql } from 'kysely';
import { NATS, USERS } from '#libs/broker';
import {
  allOfUser,
  auditList,
  auditVerify,
  authenticate,
  authLogin,
  authRefresh,
  invitationsAccept,
  legalHoldPut,
  MAIL_SUBJECT,
  myApiTokensCreate,
  NOBODY,
  passwordResetConfirm,
  passwordResetRequest,
  usersGet,
  usersInvite,
  usersTransfer,
  usersUpdate,
  type MailRequest,
  type Principal,
  type User,
  type UserTransfer,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, PASSWORD, tally, type TestIdentity } from '../../../testing/identity.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let nats: NatsConnection;
let streams: JetStreamManager['streams'];
let n = 0;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
  nats = identity.service.app.get<NatsConnection>(NATS, { strict: false });
  ({ streams } = await jetstreamManager(nats));
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => departures.stop());

const successor = (): UserTransfer => ({
  name: 'Nell Newcomer',
  email: `nell${++n}@example.com`,
  staffId: `NELL-${n}`,
});
const transfer = (by: Principal, id: string, to = successor()) =>
  identity.call(usersTransfer, { principal: by, params: { id }, body: to });
const get = (id: string) => identity.call(usersGet, { principal: owner, params: { id } });
const login = (email: string, password = PASSWORD) =>
  identity.call(authLogin, { principal: NOBODY, body: { email, password } });
const principalOf = ({ id, roles }: User): Principal => ({ accountId: owner.accountId, userId: id, roles });

/** The mails that are requested during the work. */
async function mailsDuring(count: number, work: () => Promise<unknown>): Promise<MailRequest[]> {
  const subscription = nats.subscribe(MAIL_SUBJECT, { max: count });
  await nats.flush();
  await work();
  const mails: MailRequest[] = [];
  for await (const message of subscription) mails.push(message.json<MailRequest>());
  return mails;
}

describe('a transferred user', () => {
  it('keeps id, roles and teams, and has a new name, email and staff id', async () => {
    const before = await identity.aUser(owner, { roles: ['admin'] });
    const to = successor();
    expect(await transfer(owner, before.id, to)).toEqual({ ...before, ...to, avatarUrl: null });
    const { items } = await identity.call(auditList, { principal: owner, query: { subjectId: before.id } });
    expect(items[0]).toMatchObject({ action: 'user.transferred', actor: { id: owner.userId }, detail: to });
  });

  it('is published with the new name', async () => {
    const { id } = await identity.aUser(owner);
    await transfer(owner, id);
    await eventually(async () => {
      const [known] = await departures.peer.query(
        sql<{ name: string }>`select name from directory where user_id = ${id}`,
      );
      expect(known).toEqual({ name: 'Nell Newcomer' });
    });
  });

  it('can be used by the new person with a mailed token; the former person has no access', async () => {
    const user = await identity.aUser(owner);
    const signedIn = await login(user.email!);
    const { token: apiToken } = await identity.call(myApiTokensCreate, {
      principal: principalOf(user),
      body: { name: 'Laptop' },
    });
    const [oldReset] = await mailsDuring(1, () =>
      identity.call(passwordResetRequest, { principal: NOBODY, body: { email: user.email! } }),
    );
    const to = successor();
    const [mail] = await mailsDuring(1, () => transfer(owner, user.id, to));
    expect(mail).toMatchObject({ kind: 'password-reset', to: to.email });
    expect(await outcomeOf(login(user.email!))).toBe('invalid-credentials');
    expect(await outcomeOf(login(to.email))).toBe('invalid-credentials');
    const refreshToken = signedIn.refreshToken;
    expect(await outcomeOf(identity.call(authRefresh, { principal: NOBODY, body: { refreshToken } }))).not.toBe('ok');
    expect(await identity.client.ask(authenticate, { token: apiToken })).toBeNull();
    const choose = (token: string, password: string) =>
      identity.call(passwordResetConfirm, { principal: NOBODY, body: { token, password } });
    expect(await outcomeOf(choose(oldReset!.token, 'the former one again'))).toBe('gone');
    await choose(mail!.token, 'a password of my own');
    expect((await login(to.email, 'a password of my own')).user).toMatchObject({ id: user.id, name: 'Nell Newcomer' });
  });

  it('has no open invitations that the former person may know', async () => {
    const user = await identity.aUser(owner, { roles: ['admin'] });
    const sent = await identity.call(usersInvite, {
      principal: principalOf(user),
      body: { name: 'Ivy', email: `ivy${++n}@example.com`, staffId: `IVY-${n}` },
    });
    await transfer(owner, user.id);
    const body = { token: sent.invitation!.token, password: PASSWORD };
    expect(await outcomeOf(identity.call(invitationsAccept, { principal: NOBODY, body }))).toBe('gone');
  });

  it('who had only been invited gets a new invitation; the first one is invalid', async () => {
    const invited = await identity.aUser(owner, { password: undefined });
    const to = successor();
    const moved = await transfer(owner, invited.id, to);
    expect(moved).toMatchObject({ id: invited.id, status: 'invited', name: to.name });
    const accept = (token: string) =>
      identity.call(invitationsAccept, { principal: NOBODY, body: { token, password: PASSWORD } });
    expect(await outcomeOf(accept(invited.invitation!.token))).toBe('gone');
    expect((await accept(moved.invitation!.token)).user).toMatchObject({ id: invited.id, status: 'active' });
  });
});

describe('a transfer is refused', () => {
  it('for callers who do not manage the user', async () => {
    const [admin, agent] = [await identity.aPerson(owner, { roles: ['admin'] }), await identity.aPerson(owner)];
    expect(await outcomeOf(transfer(agent, agent.userId))).toBe('forbidden');
    expect(await outcomeOf(transfer(admin, owner.userId))).toBe('forbidden');
    expect(await outcomeOf(transfer(ownerOf(await identity.anAccount()), agent.userId))).toBe('not-found');
    expect(await outcomeOf(transfer(admin, agent.userId))).toBe('ok');
  });

  it('for a user who has left, is under legal hold or has a scheduled departure', async () => {
    const [gone, held, leaving] = await Promise.all([1, 2, 3].map(() => identity.aUser(owner)));
    await departures.deactivate(owner, gone!.id);
    expect(await outcomeOf(transfer(owner, gone!.id))).toBe('conflict');
    await identity.call(legalHoldPut, { principal: owner, params: { id: held!.id }, body: { reason: 'A case' } });
    expect(await outcomeOf(transfer(owner, held!.id))).toBe('legal-hold');
    const effectiveAt = new Date(identity.clock.millis() + 86_400_000).toISOString();
    await departures.deactivate(owner, leaving!.id, { effectiveAt });
    expect(await outcomeOf(transfer(owner, leaving!.id))).toBe('conflict');
  });

  it('for the last owner who can log in', async () => {
    expect(await outcomeOf(transfer(owner, owner.userId))).toBe('sole-owner');
    await identity.aUser(owner, { roles: ['owner'], password: undefined });
    expect(await outcomeOf(transfer(owner, owner.userId))).toBe('sole-owner');
    await identity.aUser(owner, { roles: ['owner'] });
    expect(await outcomeOf(transfer(owner, owner.userId))).toBe('ok');
  });

  it('if the email or staff id is taken, also by the user itself', async () => {
    const [user, other] = [await identity.aUser(owner), await identity.aUser(owner)];
    const to = successor();
    const staffId = other.staffId!;
    expect(await outcomeOf(transfer(owner, user.id, { ...to, email: other.email!.toUpperCase() }))).toBe(
      'duplicate-email',
    );
    expect(await outcomeOf(transfer(owner, user.id, { ...to, email: user.email! }))).toBe('duplicate-email');
    expect(await outcomeOf(transfer(owner, user.id, { ...to, staffId }))).toBe('duplicate-staff-id');
    expect(await get(user.id)).toMatchObject({ name: user.name, email: user.email });
    expect(await outcomeOf(login(user.email!))).toBe('ok');
  });

  it('for all but one of several concurrent requests', async () => {
    const admins = await Promise.all(Array.from({ length: 6 }, () => identity.aPerson(owner, { roles: ['admin'] })));
    const { id } = await identity.aUser(owner);
    const { ok, ...refused } = await tally(admins.map((admin) => transfer(admin, id)));
    expect(ok).toBeGreaterThanOrEqual(1);
    expect((ok ?? 0) + (refused.conflict ?? 0)).toBe(6);
    const transfers = await identity.query(
      sql`select from audit_entry where subject_id = ${id} and action = 'user.transferred'`,
    );
    expect(transfers).toHaveLength(ok!);
  });
});

describe('the former person of a transferred user', () => {
  const TRACES = ['Quillfeather', 'zora.q', 'ZQ-88', '203.0.113.88', 'QuillBrowser'];
  const hex = (text: string): string => Buffer.from(text).toString('hex');

  async function traces(): Promise<string[]> {
    const tables = await identity.query(sql<{ name: string }>`
      select table_name as name from information_schema.tables
      where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`);
    const found: string[] = [];
    for (const { name } of tables) {
      for (const trace of TRACES) {
        const [row] = await identity.query(
          sql`select from ${sql.table(name)} t where t::text ilike ${`%${trace}%`} or t::text ilike ${`%${hex(trace)}%`}`,
        );
        if (row) found.push(`${name}: ${trace}`);
      }
    }
    return found;
  }

  const inStream = async (id: string): Promise<string> => {
    const { state } = await streams.info(USERS.name, { subjects_filter: allOfUser(owner.accountId, id) });
    const texts: string[] = [];
    for (const subject of Object.keys(state.subjects ?? {})) {
      const message = await streams.getMessage(USERS.name, { last_by_subj: subject });
      if (message) texts.push(message.string());
    }
    return texts.join();
  };

  it('has no personal data left in any table or in the broker, and the audit trail still verifies', async () => {
    const zora = { name: 'Zora Quillfeather', email: 'zora.q@example.org', staffId: 'ZQ-88-1' };
    const { id } = await identity.aUser(owner, { ...zora, roles: ['admin'] });
    const self: Principal = { ...owner, userId: id, roles: ['admin'] };
    const client = { ip: '203.0.113.88', userAgent: 'QuillBrowser/1.0' };
    await identity.call(authLogin, { principal: NOBODY, body: { email: zora.email, password: PASSWORD }, client });
    await identity.call(myApiTokensCreate, { principal: self, body: { name: 'Quillfeather’s laptop' } });
    await identity.call(usersUpdate, {
      principal: self,
      params: { id },
      body: { avatarUrl: 'https://example.org/zora.q.png' },
    });
    const deactivation = await departures.deactivate(owner, id, { reason: 'Quillfeather is ill' });
    await departures.until(owner, deactivation, 'completed');
    await departures.until(owner, await departures.reactivate(owner, id), 'completed');
    await identity.query(sql`
      update users set user_name = 'zora.q', external_id = 'okta|zora.q', scim_name = '{"familyName":"Quillfeather"}'
      where id = ${id}`);
    expect(await traces()).not.toEqual([]);
    await departures.peer.pause();
    await identity.call(usersUpdate, { principal: self, params: { id }, body: { name: 'Z. Quillfeather' } });
    await transfer(owner, id);
    expect(await traces()).toEqual([]);
    await departures.peer.start();
    await eventually(
      async () => {
        expect(await identity.query(sql`select from stream_purge`)).toEqual([]);
        const left = await inStream(id);
        expect(left).not.toContain('Quillfeather');
        expect(left).toContain('Nell Newcomer');
      },
      { timeout: 20_000 },
    );
    expect(await identity.call(auditVerify, { principal: owner })).toMatchObject({ valid: true });
    const [known] = await departures.peer.query(sql<{ row: string }>`
      select d::text as row from directory d where user_id = ${id}`);
    expect(known!.row).toContain('Nell Newcomer');
    const { items } = await identity.call(auditList, { principal: owner, query: { subjectId: id } });
    expect(items.map(({ action }) => action)).toContain('user.created');
  }, 40_000);
});
