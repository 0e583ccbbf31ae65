import { afterAll, afterEach, beforeAll, beforeEach, expect, it, jest } from '@jest/globals';
import { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { ServiceClient } from '#libs/broker';
import type { MailToSend } from '#libs/contracts';
import { EmailChanges } from '../email-change/email-changes.js';
import { MailedLinks } from '../invitation/mailed-links.js';
import { PasswordResets } from '../password/password-resets.js';
import { TestIdentity } from '../testing/identity.js';
import { MailBudgets } from './mail-budgets.js';
import { Mail } from './mail.js';
import { MailWorker } from './mail.worker.js';
import { SecurityMails } from './security-mails.js';

let identity: TestIdentity;
let user: { id: string; email: string };
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
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
const mails = (): Promise<MailToSend[]> => identity.mails(user.email);
/** The notifications service is away until the mocks are restored. */
const loseService = () => jest.spyOn(identity.get(ServiceClient), 'ask').mockRejectedValue(new Error('away'));

it('a mail is written in the transaction, sealed, and handed on after the commit', async () => {
  await identity.transaction(async () => {
    await reset();
    const [row] = await waiting();
    expect(row).toContain(user.id);
    expect(row).not.toContain(user.email);
  });
  expect(await mails()).toMatchObject([{ kind: 'password-reset', to: user.email, token: expect.any(String) }]);
  expect(await identity.preparation(waiting)).toEqual([]);
});

it('a transaction that is rolled back sends no mail', async () => {
  const failure = new Error('rolled back');
  await expect(identity.transaction(() => reset().then(() => Promise.reject(failure)))).rejects.toBe(failure);
  expect(await mails()).toEqual([]);
});

it('a mail waits for the service and uses the budget of its mailbox once; a repetition has the same id', async () => {
  const take = jest.spyOn(identity.get(MailBudgets), 'take');
  const client = identity.get(ServiceClient);
  const ask = client.ask.bind(client);
  // The mail arrives, but the answer does not.
  const lost = jest.spyOn(client, 'ask').mockImplementation(async (...how) => {
    await ask(...how);
    throw new Error('no answer');
  });
  await identity.transaction(reset);
  expect(await mails()).toHaveLength(1);
  expect(await identity.preparation(waiting)).toHaveLength(1);
  lost.mockRestore();
  identity.clock.advance(1_000);
  const [first, second] = await mails();
  expect(second).toEqual(first);
  expect(take).toHaveBeenCalledTimes(1);
});

it('a mail is removed when its token has ended; a notice is not', async () => {
  await identity.transaction(async () => {
    await reset();
    await identity.get(EmailChanges).notifyChanged(user.id, user.email);
    await identity.get(MailedLinks).end([user.id]);
  });
  expect(await mails()).toMatchObject([{ kind: 'email-changed' }]);
});

it('users are told of changes of how they sign in, at their present address', async () => {
  const security = identity.get(SecurityMails);
  await identity.transaction(async () => {
    await security.signInMethodAdded(user.id, 'passkey');
    await security.signInMethodRemoved(user.id, 'authenticator-app');
    await identity.get(EmailChanges).notifyChanged(user.id, 'former@example.com', user.email);
  });
  const told = (await mails()).sort((one, other) => one.kind.localeCompare(other.kind));
  expect(told).toMatchObject([
    { kind: 'email-now-used' },
    { kind: 'sign-in-method-added', method: 'passkey', at: expect.any(String) },
    { kind: 'sign-in-method-removed', method: 'authenticator-app' },
  ]);
  expect(await identity.mails('former@example.com')).toMatchObject([{ kind: 'email-changed' }]);
});

it('a mail whose token has expired is not handed on any more', async () => {
  loseService();
  await identity.transaction(reset);
  await identity.get(MailWorker).drain();
  jest.restoreAllMocks();
  identity.clock.advance(3_600_000);
  expect(await mails()).toEqual([]);
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
