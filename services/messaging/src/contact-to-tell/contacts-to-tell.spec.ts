import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  contactsToTell,
  inboxes,
  messageCompose,
  messageInbound,
  type NewInbox,
  type Principal,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { sql } from 'kysely';
import { AddressBook } from '../testing/address-book.js';
import { startMessaging } from '../testing/messaging.js';

describe('contacts to inform about a departure', () => {
  let messaging: TestService;
  let book: AddressBook;
  let robin: Principal;
  let kim: Principal;
  let inboxId: string;
  beforeAll(async () => {
    messaging = await startMessaging();
    book = await AddressBook.open(messaging);
  });
  afterAll(async () => {
    await book?.close();
    await messaging?.stop();
  });
  beforeEach(async () => {
    robin = await messaging.person();
    kim = await messaging.person({ accountId: robin.accountId });
    inboxId = await anInbox(robin, { kind: 'personal' });
  });
  const anInbox = async (owner: Principal, more: Pick<NewInbox, 'kind'>) =>
    (await messaging.call(owner, inboxes.create, { body: { name: 'Texts', ...more } })).id;
  const contact = () => book.add(robin.accountId);
  const writes = (contactId: string, to = inboxId) =>
    messaging.call(robin, messageInbound, { body: { inboxId: to, contactId, text: 'Hello' } });
  const receives = (contactId: string) =>
    messaging.call(robin, messageCompose, { body: { inboxId, contactIds: [contactId], text: 'Hello' } });
  const ask = ({ accountId, userId }: Principal) => messaging.client.ask(contactsToTell, { accountId, userId });
  const toInform = async (person = robin) => (await ask(person)).contacts.map(({ contactId }) => contactId);

  it('are those with a message from or to the leaver, once each, the latest first', async () => {
    const [ada, grace] = [contact(), contact()];
    await writes(ada);
    messaging.clock.advance(1_000);
    await receives(grace);
    expect(await toInform()).toEqual([grace, ada]);
    messaging.clock.advance(1_000);
    const latest = await writes(ada);
    const { contacts, total } = await ask(robin);
    expect(contacts).toMatchObject([{ contactId: ada, lastMessageAt: latest.createdAt }, { contactId: grace }]);
    expect(total).toBe(2);
  });

  it('have a message in the last thirty days', async () => {
    const [ada, grace] = [contact(), contact()];
    await writes(ada);
    messaging.clock.advanceDays(2);
    await writes(grace);
    messaging.clock.advanceDays(28.5);
    expect(await toInform()).toEqual([grace]);
    messaging.clock.advanceDays(2);
    expect(await toInform()).toEqual([]);
  });

  it('do not include those of shared inboxes, of other users or of other accounts', async () => {
    await writes(contact(), await anInbox(robin, { kind: 'shared' }));
    await writes(contact(), await anInbox(kim, { kind: 'personal' }));
    expect(await toInform()).toEqual([]);
    await writes(contact());
    expect(await ask({ ...robin, accountId: messaging.ids.next() })).toEqual({ contacts: [], total: 0, sandbox: true });
  });

  it('are limited to the latest hundred, with the total number', async () => {
    const { conversationId, contactId: first } = await writes(contact());
    const now = messaging.clock.now();
    await sql`
      insert into message (id, account_id, inbox_id, conversation_id, contact_id, direction, text, status, created_at)
      select gen_random_uuid(), ${robin.accountId}, ${inboxId}, ${conversationId}, gen_random_uuid(), 'inbound', 'Hello', 'received',
        ${now}::timestamptz + n * interval '1 second' from generate_series(1, 120) n`.execute(
      messaging.em().getKysely(),
    );
    const { contacts, total } = await ask(robin);
    expect([contacts.length, total]).toEqual([100, 121]);
    expect(contacts[0]!.lastMessageAt).toBe(new Date(now.getTime() + 120_000).toISOString());
    expect(contacts.map(({ contactId }) => contactId)).not.toContain(first);
  });
});
