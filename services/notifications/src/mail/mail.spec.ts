import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { sql } from 'kysely';
import { mailsSend, type MailToSend, type Principal } from '#libs/contracts';
import { EventProcessor } from '#libs/lifecycle';
import type { TestService } from '#libs/platform/testing';
import { buildUserEvent, Mailboxes, tokenIn } from '#libs/test-kit';
import { startNotifications } from '../testing/notifications.js';
import { MailQueue } from './mail-queue.js';
import { MailSweep } from './mail-sweep.worker.js';
import { MailWorker } from './mail.worker.js';

let mailboxes: Mailboxes;
let notifications: TestService;
let person: Principal;
let address: string;
let people = 0;
beforeAll(async () => {
  mailboxes = await Mailboxes.open();
  notifications = await startNotifications(mailboxes.sink.url);
});
beforeEach(async () => {
  person = await notifications.person();
  address = `person${++people}@example.com`;
  mailboxes.sink.refuseRecipient = () => undefined;
  mailboxes.sink.refuseMail = () => undefined;
});
afterAll(async () => {
  await notifications.stop();
  await mailboxes.close();
});

const aMail = (more: Partial<MailToSend> = {}): MailToSend => ({
  id: notifications.ids.next(),
  accountId: person.accountId,
  userId: person.userId,
  kind: 'password-reset',
  to: address,
  token: 'a-token',
  expiresAt: new Date(notifications.clock.millis() + 7 * 86_400_000).toISOString(),
  ...more,
});
const send = (mail: MailToSend) => notifications.client.ask(mailsSend, mail);
const drain = () => notifications.get(MailWorker).drain();

async function sent(more: Partial<MailToSend> = {}): Promise<MailToSend> {
  const mail = aMail(more);
  await send(mail);
  await drain();
  return mail;
}

async function rowOf({
  id,
}: {
  id: string;
}): Promise<{ status: string; refusal: string | null; row: string } | undefined> {
  const { rows } = await sql<{ status: string; refusal: string | null; row: string }>`
    select status, refusal, m::text as row from mail m where id = ${id}`.execute(notifications.em().getKysely());
  return rows[0];
}

describe('a mail', () => {
  it('is sent once, with its id, and nothing of it stays', async () => {
    const mail = await sent();
    expect(await send(mail)).toEqual({ accepted: false });
    await drain();
    const [arrived, ...others] = await mailboxes.of(address);
    expect(others).toEqual([]);
    expect(arrived).toMatchObject({
      id: `<${mail.id}@leaver.example>`,
      from: 'no-reply@leaver.example',
      to: [address],
      subject: 'Choose a new password',
      headers: { 'auto-submitted': 'auto-generated' },
    });
    expect(tokenIn(arrived!)).toBe('a-token');
    const stored = await rowOf(mail);
    expect(stored).toMatchObject({ status: 'sent' });
    expect(stored!.row).not.toMatch(/a-token|example/);
  });

  it('is sealed while it waits', async () => {
    mailboxes.sink.refuseRecipient = () => '451 4.7.1 Come back later';
    const stored = await rowOf(await sent());
    expect(stored).toMatchObject({ status: 'waiting' });
    expect(stored!.row).not.toMatch(/a-token|example/);
  });

  it('is sent again after a temporary refusal, and after an answer that was lost', async () => {
    mailboxes.sink.refuseRecipient = () => '451 4.7.1 Come back later';
    const mail = await sent();
    expect(await mailboxes.of(address)).toEqual([]);
    mailboxes.sink.refuseRecipient = () => undefined;
    const queue = notifications.get(MailQueue);
    const end = queue.end.bind(queue);
    const spy = jest
      .spyOn(queue, 'end')
      .mockImplementation((one, ...how) =>
        one.id === mail.id ? Promise.reject(new Error('killed')) : end(one, ...how),
      );
    notifications.clock.advance(2 * 60_000);
    await drain();
    expect(await mailboxes.of(address)).toHaveLength(1);
    expect(await rowOf(mail)).toMatchObject({ status: 'waiting' });
    spy.mockRestore();
    notifications.clock.advance(10 * 60_000);
    await drain();
    const [first, second] = await mailboxes.of(address);
    expect(second!.id).toBe(first!.id);
    expect(await rowOf(mail)).toMatchObject({ status: 'sent' });
  });

  it('ends when its link has expired', async () => {
    mailboxes.sink.refuseRecipient = () => '451 4.7.1 Come back later';
    const mail = await sent({ expiresAt: new Date(notifications.clock.millis() + 60_000).toISOString() });
    mailboxes.sink.refuseRecipient = () => undefined;
    notifications.clock.advance(2 * 60_000);
    await drain();
    expect(await rowOf(mail)).toMatchObject({ status: 'expired' });
    expect(await mailboxes.of(address)).toEqual([]);
  });

  it('that the server refuses for good is not sent again; other mails to the mailbox are', async () => {
    mailboxes.sink.refuseMail = () => '554 5.7.1 This looks like spam';
    const mail = await sent();
    expect(await rowOf(mail)).toMatchObject({ status: 'refused', refusal: '554 5.7.1' });
    mailboxes.sink.refuseMail = () => undefined;
    expect(await rowOf(await sent())).toMatchObject({ status: 'sent' });
  });

  it('names the inviter as the directory knows them', async () => {
    const { userId: invitedById } = await notifications.person({
      accountId: person.accountId,
      name: 'Nora http://x.example',
    });
    await sent({ kind: 'invitation', invitedById });
    expect((await mailboxes.of(address))[0]!.text).toMatch(/^Nora http x\. example has invited you to Leaver\.\n/);
  });

  it.each(['a@example.com, b@example.com', 'a@example.com\r\nBcc: b@example.com', '<a@example.com>', 'nobody'])(
    'to %j is refused without asking the server',
    async (to) => {
      const before = mailboxes.sink.mails.length;
      expect(await rowOf(await sent({ to }))).toMatchObject({ status: 'refused', refusal: '5.1.3' });
      expect(mailboxes.sink.mails).toHaveLength(before);
    },
  );

  it('of which the server keeps silent, or knows a wrong password of ours, is tried again', async () => {
    const other = await Mailboxes.open({ login: { user: 'leaver', password: 'right' } });
    const { port } = other.sink;
    const wrong = await startNotifications(`smtp://leaver:wrong@127.0.0.1:${port}`);
    try {
      const { accountId, userId } = await wrong.person();
      const mail = aMail({ accountId, userId });
      await wrong.client.ask(mailsSend, mail);
      await wrong.get(MailWorker).drain();
      const { rows } = await sql`select status from mail where id = ${mail.id}`.execute(wrong.em().getKysely());
      expect(rows).toEqual([{ status: 'waiting' }]);
    } finally {
      await wrong.stop();
      await other.close();
    }
  });

  it('to a server that does not offer TLS is not sent if TLS is required', async () => {
    const strict = await startNotifications(mailboxes.sink.url, { SMTP_TLS: 'required' });
    try {
      const { accountId, userId } = await strict.person();
      const mail = aMail({ accountId, userId });
      await strict.client.ask(mailsSend, mail);
      await strict.get(MailWorker).drain();
      const { rows } = await sql`select status from mail where id = ${mail.id}`.execute(strict.em().getKysely());
      expect(rows).toEqual([{ status: 'waiting' }]);
      expect(await mailboxes.of(address)).toEqual([]);
    } finally {
      await strict.stop();
    }
  });
});

describe('a mailbox that does not exist', () => {
  it('gets no mails of the account for a week', async () => {
    mailboxes.sink.refuseRecipient = () => '550 5.1.1 No such mailbox';
    expect(await rowOf(await sent())).toMatchObject({ status: 'refused', refusal: '550 5.1.1' });
    mailboxes.sink.refuseRecipient = () => undefined;
    expect(await rowOf(await sent({ to: address.toUpperCase() }))).toMatchObject({ status: 'suppressed' });
    const stranger = await notifications.person();
    const { accountId, userId } = stranger;
    expect(await rowOf(await sent({ accountId, userId }))).toMatchObject({ status: 'sent' });
    notifications.clock.advance(8 * 86_400_000);
    expect(await rowOf(await sent())).toMatchObject({ status: 'sent' });
  });
});

describe('without a mail server', () => {
  it('mails wait until they expire', async () => {
    const silent = await startNotifications('');
    try {
      const { accountId, userId } = await silent.person();
      const mail = aMail({ accountId, userId });
      await silent.client.ask(mailsSend, mail);
      const status = async () => {
        const { rows } = await sql`select status from mail where id = ${mail.id}`.execute(silent.em().getKysely());
        return rows;
      };
      await silent.get(MailWorker).drain();
      expect(await status()).toEqual([{ status: 'waiting' }]);
      silent.clock.advance(9 * 86_400_000);
      await silent.get(MailSweep).drain();
      expect(await status()).toEqual([{ status: 'expired' }]);
    } finally {
      await silent.stop();
    }
  });
});

describe('a deleted user', () => {
  it('has no mails, and gets none that is requested later', async () => {
    mailboxes.sink.refuseRecipient = () => '451 4.7.1 Come back later';
    const mail = await sent();
    const event = buildUserEvent(notifications, 'user.deleted', person, {
      lifecycleVersion: 2,
      departure: { policy: { preset: 'crm', version: 1, rules: {} } },
    });
    await notifications.get(EventProcessor).apply([event]);
    expect(await rowOf(mail)).toBeUndefined();
    const late = aMail();
    expect(await send(late)).toEqual({ accepted: false });
    expect(await rowOf(late)).toBeUndefined();
  });

  it('has none in a database that was restored from a backup and has loaded the directory', async () => {
    const mail = await sent();
    await sql`update directory set status = 'deleted' where user_id = ${person.userId}`.execute(
      notifications.em().getKysely(),
    );
    await notifications.get(MailSweep).drain();
    expect(await rowOf(mail)).toBeUndefined();
  });
});

it('mails that have ended are deleted after a month', async () => {
  const mail = await sent();
  notifications.clock.advance(31 * 86_400_000);
  await notifications.get(MailSweep).drain();
  expect(await rowOf(mail)).toBeUndefined();
});
