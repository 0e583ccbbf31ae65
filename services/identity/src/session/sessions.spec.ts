import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EntityManager } from '@mikro-orm/postgresql';
import { overlap } from '#libs/lifecycle/testing';
import { decodeJwt } from 'jose';
import { sql } from 'kysely';
import { connectNats } from '#libs/broker';
import {
  authenticate,
  authLogin,
  authLogout,
  authRefresh,
  exchangeBrowserSession,
  NOBODY,
  openBrowserSession,
  SESSION_ENDS_SUBJECT,
  sessionSnapshot,
  type OpenedAccount,
  type Principal,
  type SessionEndsMessage,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { outcomeOf, ownerOf, PASSWORD, TestIdentity } from '../testing/identity.js';
import { SessionEndFeed } from './session-end-feed.js';
import { Sessions } from './sessions.js';

let identity: TestIdentity;
let opened: OpenedAccount;
const listeners: (() => Promise<void>)[] = [];
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  opened = await identity.anAccount();
});
afterEach(() => Promise.all(listeners.splice(0).map((close) => close())));
afterAll(() => identity.stop());

const endAll = (...ids: string[]) => identity.transaction(() => identity.get(Sessions).endAll(ids));
const snapshot = (since: string | null) => identity.client.ask(sessionSnapshot, { since });
const refresh = (refreshToken: string) => identity.call(authRefresh, { principal: NOBODY, body: { refreshToken } });

/** Everything that is published from now on; the list grows. */
async function listen(): Promise<SessionEndsMessage[]> {
  const nats = await connectNats({ url: identity.broker.url, name: 'listener' });
  listeners.push(() => nats.close());
  const messages: SessionEndsMessage[] = [];
  nats.subscribe(SESSION_ENDS_SUBJECT, { callback: (_error, message) => void messages.push(message.json()) });
  await nats.flush();
  return messages;
}

describe('ending all sessions', () => {
  it('ends those of the given users only', async () => {
    const [second, other] = [await identity.anAccount(), await identity.anAccount()];
    await endAll(opened.user.id, second.user.id);
    for (const { accessToken, refreshToken } of [opened, second]) {
      expect(await identity.client.ask(authenticate, { token: accessToken })).toBeNull();
      expect(await outcomeOf(refresh(refreshToken))).toBe('unauthenticated');
    }
    expect(await outcomeOf(refresh(other.refreshToken))).toBe('ok');
  });

  it('is announced right after the commit', async () => {
    const messages = await listen();
    await endAll(opened.user.id);
    const announced = () => messages.flatMap(({ position, epochs }) => (position ? [] : epochs));
    await eventually(() => expect(announced()).toEqual([{ userId: opened.user.id, epoch: 1 }]));
  });

  it('is not announced after a rollback', async () => {
    const messages = await listen();
    const failing = identity.transaction(async () => {
      await identity.get(Sessions).endAll([opened.user.id]);
      throw new Error('undone');
    });
    await expect(failing).rejects.toThrow('undone');
    const other = await identity.anAccount();
    await endAll(other.user.id);
    await eventually(() => expect(inFeed(messages)).toContainEqual({ userId: other.user.id, epoch: 1 }));
    expect(messages.flatMap(({ epochs }) => epochs.map(({ userId }) => userId))).not.toContain(opened.user.id);
    expect(await outcomeOf(refresh(opened.refreshToken))).toBe('ok');
  });

  it.each(['before', 'after'] as const)('also ends a session that is opened just %s', async (when) => {
    const { email, id } = opened.user;
    const body = { email: email!, password: PASSWORD };
    const signIn = () => outcomeOf(identity.call(authLogin, { principal: NOBODY, body }));
    const leave = () =>
      identity.transaction(async () => {
        await identity.get(Sessions).endAll([id]);
        const db = identity.get(EntityManager).getKysely();
        await sql`update users set status = 'deactivated' where id = ${id}`.execute(db);
      });
    const contested = { adminUrl: identity.database.adminUrl, row: 'users where id = $1', id };
    const seen = await (when === 'before' ? overlap(contested, signIn, leave) : overlap(contested, leave, signIn));
    expect(seen.hasWaited).toBe(true);
    expect(when === 'before' ? seen.first : seen.second).toMatchObject({
      value: when === 'before' ? 'ok' : 'invalid-credentials',
    });
    expect(await identity.query(sql`select from session where user_id = ${id} and revoked_at is null`)).toHaveLength(0);
  });
});

describe('the snapshot', () => {
  it('contains users whose sessions all ended, and single sessions that ended', async () => {
    const alone = await identity.anAccount();
    const sessionId = String(decodeJwt(alone.accessToken).sid);
    await endAll(opened.user.id);
    await identity.call(authLogout, { principal: { ...ownerOf(alone), sessionId } });
    const { epochs, sessions, more } = await snapshot(null);
    expect(epochs).toContainEqual({ userId: opened.user.id, epoch: 1 });
    expect(epochs.map((one) => one.userId)).not.toContain(alone.user.id);
    expect(sessions).toContain(sessionId);
    expect(more).toBe(false);
  });

  it('continues at the given position', async () => {
    await endAll(opened.user.id);
    const { at } = await snapshot(null);
    identity.clock.advance(120_000);
    const later = await identity.anAccount();
    await endAll(later.user.id);
    const next = await snapshot((await snapshot(at)).at);
    expect(next.epochs).toContainEqual({ userId: later.user.id, epoch: 1 });
    expect(next.epochs.map((one) => one.userId)).not.toContain(opened.user.id);
  });

  it('leaves out what cannot concern a valid token', async () => {
    await endAll(opened.user.id);
    identity.clock.advance(601_000);
    expect((await snapshot(null)).epochs.map((one) => one.userId)).not.toContain(opened.user.id);
  });

  it('is split into pages without gaps', async () => {
    const { account } = opened;
    await identity.query(sql`
      insert into users (id, account_id, status, seat_taken, session_epoch, session_epoch_at, created_at, updated_at)
      select gen_random_uuid(), ${account.id}, 'deactivated', false, 3, ${identity.clock.now()}, now(), now()
      from generate_series(1, 6000)`);
    const first = await snapshot(null);
    expect(first.more).toBe(true);
    const second = await snapshot(first.at);
    expect(second.more).toBe(false);
    const all = new Set([...first.epochs, ...second.epochs].filter((one) => one.epoch === 3).map((one) => one.userId));
    expect(all.size).toBe(6000);
  });
});

/** The epochs in numbered messages. */
const inFeed = (messages: readonly SessionEndsMessage[]) =>
  messages.flatMap(({ position, epochs }) => (position ? epochs : []));

describe('the feed', () => {
  it('publishes what a process that has died has not announced, also from an older replica', async () => {
    const messages = await listen();
    const sessionId = String(decodeJwt(opened.accessToken).sid);
    await identity.query(sql`
      update users set session_epoch = session_epoch + 1, session_epoch_at = now() where id = ${opened.user.id}`);
    await identity.query(sql`
      update session set revoked = true, revoked_at = now(), revoked_alone = true where id = ${sessionId}`);
    await eventually(() => expect(inFeed(messages)).toContainEqual({ userId: opened.user.id, epoch: 1 }));
    await eventually(() => expect(messages.flatMap(({ sessions }) => sessions)).toContain(sessionId));
    await eventually(async () => expect(await identity.query(sql`select from session_end`)).toEqual([]));
  });

  it('says until when it is complete by the clock of the database', async () => {
    const messages = await listen();
    await eventually(() => messages.some(({ position }) => position));
    const { time } = await snapshot(null);
    const earlier = messages.flatMap(({ position }) => position?.publishedUntil ?? []);
    expect(earlier.filter((until) => until > time!)).toEqual([]);
    await eventually(() => expect(messages.at(-1)?.position?.publishedUntil).toBeGreaterThan(time!));
  });

  it('does not claim to be complete while there is more than a message holds', async () => {
    const messages = await listen();
    await identity.query(sql`
      insert into session_end (user_id, epoch) select gen_random_uuid(), 1 from generate_series(1, 5001)`);
    await eventually(() => expect(inFeed(messages)).toHaveLength(5_001));
    const full = messages.filter(({ epochs }) => epochs.length === 5_000);
    expect(full.map(({ position }) => position?.publishedUntil)).toEqual([undefined]);
  });

  it('is numbered without gaps, by one replica, and another continues it as a new feed', async () => {
    const messages = await listen();
    const second = await TestIdentity.replica(identity);
    await eventually(() => messages.length > 5);
    const numbers = messages.map(({ position }) => position!.number);
    expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index));
    expect(new Set(messages.map(({ position }) => position!.feed)).size).toBe(1);
    await identity.get(SessionEndFeed).beforeApplicationShutdown();
    const seen = messages.length;
    await eventually(() => expect(messages[seen]?.position).toMatchObject({ number: 1 }));
    await endAll(opened.user.id);
    await eventually(() => expect(inFeed(messages.slice(seen))).toContainEqual({ userId: opened.user.id, epoch: 1 }));
    await second.close();
  });
});

describe('the session of a browser', () => {
  const exchange = (secret: string) => identity.client.ask(exchangeBrowserSession, { secret });
  const open = async () => {
    const { email } = opened.user;
    const client = { ip: '203.0.113.9', userAgent: 'Firefox' };
    return identity.client.ask(openBrowserSession, { email: email!, password: PASSWORD, client });
  };
  const isUsable = async (secret: string) => (await exchange(secret)) !== null;

  it('has one secret, which is no refresh token, and stores neither it nor the next', async () => {
    const { secret, user } = await open();
    expect(user.id).toBe(opened.user.id);
    const { accessToken, expiresIn, next } = (await exchange(secret))!;
    expect([expiresIn, next]).toEqual([300, undefined]);
    expect(await identity.client.ask(authenticate, { token: accessToken })).toMatchObject({ userId: user.id });
    expect(await outcomeOf(refresh(secret))).toBe('unauthenticated');
    expect(await isUsable(opened.refreshToken)).toBe(false);
    expect([await isUsable(secret), await outcomeOf(refresh(opened.refreshToken))]).toEqual([true, 'ok']);
    const stored = await identity.query(sql<{ row: string }>`select session::text as row from session where browser`);
    expect(stored.map(({ row }) => row).join()).not.toContain(secret);
  });

  it('gets another secret after ten minutes; the former one counts until a minute after its use', async () => {
    const { secret } = await open();
    identity.clock.advance(601_000);
    const { next } = (await exchange(secret))!;
    expect(next).toMatch(new RegExp(`^${secret.slice(0, 22)}`));
    expect((await exchange(secret))!.next).toBeUndefined();
    expect((await exchange(next!))!.next).toBeUndefined();
    identity.clock.advance(59_000);
    expect(await isUsable(secret)).toBe(true);
    identity.clock.advance(2_000);
    expect([await isUsable(secret), await isUsable(next!)]).toEqual([false, false]);
    const replays = await identity.query(
      sql`select id from audit_entry where action = 'session.replayed' and subject_id = ${opened.user.id}`,
    );
    expect(replays).toHaveLength(1);
  });

  it('goes on if the answer with the next secret was lost', async () => {
    const { secret } = await open();
    identity.clock.advance(601_000);
    const { next: lost } = (await exchange(secret))!;
    identity.clock.advance(3_600_000);
    const { next } = (await exchange(secret))!;
    expect(next).not.toBe(lost);
    expect(await isUsable(next!)).toBe(true);
    expect([await isUsable(lost!), await isUsable(next!)]).toEqual([false, false]);
  });

  it('gives one next secret to many requests at the same time', async () => {
    const { secret } = await open();
    identity.clock.advance(601_000);
    const answers = await Promise.all(Array.from({ length: 10 }, () => exchange(secret)));
    expect(answers.filter((answer) => answer?.next !== undefined)).toHaveLength(1);
    expect(answers.every((answer) => answer !== null)).toBe(true);
  });

  it.each([
    ['a sign-out', (principal: Principal) => identity.call(authLogout, { principal })],
    ['the end of all sessions', ({ userId }: Principal) => endAll(userId)],
    [
      'a departure',
      ({ userId }: Principal) => identity.query(sql`update users set status = 'deactivated' where id = ${userId}`),
    ],
    ['30 days without use', async () => identity.clock.advanceDays(30)],
  ])('ends with %s', async (_how, end) => {
    const { secret } = await open();
    const { accessToken } = (await exchange(secret))!;
    await end((await identity.client.ask(authenticate, { token: accessToken }))!);
    expect(await isUsable(secret)).toBe(false);
  });
});
