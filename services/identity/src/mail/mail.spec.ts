import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { EntityManager } from '@mikro-orm/postgresql';
import type { NatsConnection } from '@nats-io/transport-node';
import { sql } from 'kysely';
import { NATS } from '#libs/broker';
import { MAIL_SUBJECT, type MailRequest } from '#libs/contracts';
import { EmailChanges } from '../email-change/email-changes.js';
import { MailedLinks } from '../invitation/mailed-links.js';
import { PasswordResets } from '../password/password-resets.js';
import { TestIdentity } from '../testing/identity.js';
import { MailBudgets } from './mail-budgets.js';
import { Mail } from './mail.js';
import { MailWorker } from './mail.worker.js';

let identity: TestIdentity;
let nats: NatsConnection;
let mails: MailRequest[];
let user: { id: string; email: string };
beforeAll(async () => {
  identity = await TestIdentity.start();
  nats = identity.service.app.get<NatsConnection>(NATS, { strict: false });
  nats.subscribe(MAIL_SUBJECT, { callback: (_error, message) => void mails.push(message.json<MailRequest>()) });
  await nats.flush();
});
beforeEach(async () => {
  mails = [];
  const { id, email } = (await identity.anAccount()).user;
  user = { id, email: email! };
});
afterEach(() => void jest.restoreAllMocks());
afterAll(() => identity.stop());

const reset = () => identity.get(PasswordResets).send([user]);
const waiting = () =>
  sql<{ row: string }>`select m::text as row from mail_outbox m`
    .execute(identity.get(EntityManager).getKysely())
    .then(({ rows }) => rows.map(({ row }) => row));
/** The broker is away until the mocks are restored. */
const loseBroker = () =>
  jest.spyOn(nats, 'publish').mockImplementation(() => {
    throw new Error('disconnected');
  });

async function publishAll(): Promise<void> {
  await identity.get(MailWorker).drain();
  await nats.flush();
}

it('a mail is written in the transaction, sealed, and published after the commit', async () => {
  await identity.transaction(async () => {
    await reset();
    const [row] = await waiting();
    expect(row).toContain(user.id);
    expect(row).not.toContain(user.email);
  });
  await publishAll();
  expect(mails).toMatchObject([{ kind: 'password-reset', to: user.email, token: expect.any(String) }]);
  expect(await identity.preparation(waiting)).toEqual([]);
});

it('a transaction that is rolled back sends no mail', async () => {
  const failure = new Error('rolled back');
  await expect(identity.transaction(() => reset().then(() => Promise.reject(failure)))).rejects.toBe(failure);
  await publishAll();
  expect(mails).toEqual([]);
});

it('a mail waits for the broker and uses the budget of its mailbox once; a repetition has the same id', async () => {
  const take = jest.spyOn(identity.get(MailBudgets), 'take');
  // The first publication arrives, but the process does not learn of it.
  const flush = jest.spyOn(nats, 'flush').mockRejectedValueOnce(new Error('disconnected'));
  await identity.transaction(reset);
  await identity.get(MailWorker).drain();
  expect(flush).toHaveBeenCalled();
  expect(await identity.preparation(waiting)).toHaveLength(1);
  identity.clock.advance(1_000);
  await publishAll();
  expect(mails).toHaveLength(2);
  expect(mails[0]).toEqual(mails[1]);
  expect(take).toHaveBeenCalledTimes(1);
});

it('a mail is removed when its token has ended; a notice is not', async () => {
  await identity.transaction(async () => {
    await reset();
    await identity.get(EmailChanges).notifyChanged(user.id, user.email);
    await identity.get(MailedLinks).end([user.id]);
  });
  await publishAll();
  expect(mails).toMatchObject([{ kind: 'email-changed' }]);
});

it('a mail whose token has expired is not published any more', async () => {
  loseBroker();
  await identity.transaction(reset);
  await identity.get(MailWorker).drain();
  jest.restoreAllMocks();
  identity.clock.advance(3_600_000);
  await publishAll();
  expect(mails).toEqual([]);
  expect(await identity.preparation(waiting)).toEqual([]);
});

it('the deletion of a user removes all mails that wait', async () => {
  await identity.transaction(async () => {
    await reset();
    await identity.get(EmailChanges).notifyChanged(user.id, user.email);
    await identity.get(Mail).erase([user.id]);
    expect(await waiting()).toEqual([]);
  });
});
