import type { Ask } from './lifecycle.js';

/** How many contacts a preview names, at most. */
export const MOST_TO_TELL = 100;
/** How far back a message counts. */
export const DAYS_TO_TELL = 30;

/**
 * With whom somebody has exchanged messages in their personal inbox lately, the latest first, and how many there are in
 * all. They may want to hear that this person leaves.
 */
export const contactsToTell: Ask<
  { accountId: string; userId: string },
  { contacts: { contactId: string; lastMessageAt: string }[]; total: number }
> = { service: 'messaging', subject: 'rpc.messaging.contacts-to-tell', timeout: 5_000 };

export interface NamedContact {
  id: string;
  name: string | null;
  phone: string | null;
}

/** What these contacts are called and how to reach them. Those that do not exist are left out. */
export const contactsNamed: Ask<{ accountId: string; contactIds: string[] }, { contacts: NamedContact[] }> = {
  service: 'contacts',
  subject: 'rpc.contacts.named',
  timeout: 5_000,
};
