import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EntityManager } from '@mikro-orm/postgresql';
import { jetstream } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { overlap } from '#libs/lifecycle/testing';
import { decodeJwt } from 'jose';
import { sql } from 'kysely';
import { NATS } from '#libs/broker';
import {
  authenticate,
  authLogin,
  authLogout,
  authRefresh,
  NOBODY,
  SESSION_BUCKET,
  sessionKey,
  sessionSnapshot,
  type OpenedAccount,
} from '#libs/contracts';
import { outcomeOf, ownerOf, PASSWORD, TestIdentity } from '../testing/identity.js';
import { Sessions } from './sessions.js';

let identity: TestIdentity;
let opened: OpenedAccount;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  opened = await identity.anAccount();
});
afterAll(() => identity.stop());

const endAll = (...ids: string[]) => identity.transaction(() => identity.get(Sessions).endAll(ids));
const snapshot = (since: string | null) => identity.client.ask(sessionSnapshot, { since });
const refresh = (refreshToken: string) => identity.call(authRefresh, { principal: NOBODY, body: { refreshToken } });

async function published(key: string): Promise<string | undefined> {
  const nats = identity.service.app.get<NatsConnection>(NATS, { strict: false });
  const bucket = await new Kvm(jetstream(nats)).create(SESSION_BUCKET.name, { ttl: SESSION_BUCKET.ttl });
  return (await bucket.get(key))?.string();
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

  it('publishes the new epoch to all gateways after the commit', async () => {
    await endAll(opened.user.id);
    expect(await published(opened.user.id)).toBe('1');
    await endAll(opened.user.id);
    expect(await published(opened.user.id)).toBe('2');
  });

  it('publishes nothing after a rollback', async () => {
    const failing = identity.transaction(async () => {
      await identity.get(Sessions).endAll([opened.user.id]);
      throw new Error('undone');
    });
    await expect(failing).rejects.toThrow('undone');
    expect(await published(opened.user.id)).toBeUndefined();
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
    expect(await published(sessionKey(sessionId))).toBe('1');
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
