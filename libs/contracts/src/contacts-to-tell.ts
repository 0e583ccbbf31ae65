import type { Ask } from './lifecycle.js';

/** The most contacts that a preview names. */
export const MOST_TO_TELL = 100;
/** Older messages do not count. */
export const DAYS_TO_TELL = 30;

/**
 * The contacts with whom a user has recently exchanged messages in the personal inbox, latest first, and their total
 * number. They may want to know that the user is leaving.
 */
export const contactsToTell: Ask<
  { accountId: string; userId: string },
  {
    contacts: { contactId: string; lastMessageAt: string }[];
    total: number;
    /** True if no carrier is set up: texts are stored and reach nobody. Absent in the answer of an older service. */
    sandbox?: boolean;
  }
> = { service: 'messaging', subject: 'rpc.messaging.contacts-to-tell', timeout: 5_000, calledBy: ['identity'] };

export interface NamedContact {
  id: string;
  name: string | null;
  phone: string | null;
  /** Absent in the answer of an older service. */
  assigneeId?: string | null;
}

/** Names, phone numbers and assignees of contacts. Contacts that do not exist are left out. */
export const contactsNamed: Ask<{ accountId: string; contactIds: string[] }, { contacts: NamedContact[] }> = {
  service: 'contacts',
  subject: 'rpc.contacts.named',
  timeout: 5_000,
  calledBy: ['identity'],
};

/** How many contacts of a leaver have been told. Contacts without a phone number are not counted. */
export interface ContactsToldCounts {
  total: number;
  sent: number;
  failed: number;
  /** Called off before they were sent. */
  cancelled: number;
}

export const contactsTold: Ask<{ accountId: string; departureId: string }, ContactsToldCounts> = {
  service: 'messaging',
  subject: 'rpc.messaging.contacts-told',
  timeout: 3_000,
  calledBy: ['identity'],
};

/** Whether a user has personal numbers, and whose an assigned number of the account is; null if there is no such number. */
export const numbersForTelling: Ask<
  { accountId: string; userId: string; alternativeNumber?: string },
  { owned: number; alternative: { ownerId: string | null; destinationUserId: string | null } | null }
> = { service: 'telephony', subject: 'rpc.telephony.numbers-for-telling', timeout: 5_000, calledBy: ['identity'] };

/** Whether a phone number is one of the account's own. */
export const numberIsOwn: Ask<{ accountId: string; e164: string }, { own: boolean }> = {
  service: 'telephony',
  subject: 'rpc.telephony.number-is-own',
  timeout: 5_000,
  calledBy: ['messaging'],
};

/** How contacts of a user are answered; null if the user has not left, and if the policy says so or its days are over. */
export const autoReplyFor: Ask<
  { accountId: string; userId: string },
  { reply: { text: string; until: string } | null }
> = { service: 'identity', subject: 'rpc.identity.auto-reply', timeout: 5_000, calledBy: ['messaging'] };
