import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { sql } from 'kysely';
import { NATS } from '#libs/broker';
import {
  authenticate,
  invitationsAccept,
  MAIL_SUBJECT,
  NOBODY,
  type InvitedUser,
  type Principal,
} from '#libs/contracts';
import { outcomeOf, ownerOf, PASSWORD, tally, TestIdentity } from '../testing/identity.js';

let identity: TestIdentity;
let owner: Principal;
let invited: InvitedUser;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
  invited = await identity.aUser(owner, { password: undefined });
});
afterAll(() => identity.stop());

const accept = (token: string) =>
  identity.call(invitationsAccept, { principal: NOBODY, body: { token, password: PASSWORD } });

describe('an invitation', () => {
  it('activates the user, signs them in and publishes the change', async () => {
    const answer = await accept(invited.invitation!.token);
    expect(answer.user).toMatchObject({ id: invited.id, status: 'active', lifecycleVersion: 2 });
    expect(await identity.client.ask(authenticate, { token: answer.accessToken })).toMatchObject({
      userId: invited.id,
    });
    const events = await identity.query(sql<{ data: object }>`
      select event->'data' as data from outbox where user_id = ${invited.id} order by seq`);
    expect(events.map((row) => row.data)).toMatchObject([
      { seq: 1, lifecycleVersion: 1, profile: { status: 'invited' } },
      { seq: 2, lifecycleVersion: 2, profile: { status: 'active' } },
    ]);
  });

  it('is valid once, even with 20 concurrent calls', async () => {
    const all = Array.from({ length: 20 }, () => accept(invited.invitation!.token));
    expect(await tally(all)).toEqual({ gone: 19, ok: 1 });
  });

  it('is invalid if revoked, expired, or for a user who has left', async () => {
    const late = await identity.aUser(owner, { password: undefined });
    const left = await identity.aUser(owner, { password: undefined });
    await identity.query(sql`update invitation set revoked = true, revoked_at = now() where user_id = ${invited.id}`);
    await identity.query(sql`update invitation set expires_at = ${identity.clock.now()} where user_id = ${late.id}`);
    await identity.query(sql`update users set status = 'deactivated' where id = ${left.id}`);
    for (const { invitation } of [invited, late, left]) expect(await outcomeOf(accept(invitation!.token))).toBe('gone');
    expect(await outcomeOf(accept('made up'))).toBe('not-found');
  });

  it('is sent by mail after the commit', async () => {
    const nats = identity.service.app.get<NatsConnection>(NATS, { strict: false });
    const mails = nats.subscribe(MAIL_SUBJECT, { max: 1 });
    await nats.flush();
    expect(await outcomeOf(identity.aUser(owner, { password: undefined, email: invited.email! }))).toBe(
      'duplicate-email',
    );
    const user = await identity.aUser(owner, { password: undefined });
    for await (const message of mails) {
      expect(message.json()).toEqual({ kind: 'invitation', to: user.email, ...user.invitation });
    }
  });
});
