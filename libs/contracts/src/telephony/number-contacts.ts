import { Id, Ids, Moment, Whole } from '../fields.js';
import type { Ask } from '../lifecycle.js';
import { ListQuery, NoBody, operation, pageOf, type Page } from '../operation.js';

const service = 'telephony';
const path = '/v1/numbers/:id/contacts';

/** A contact that was in touch by a number. Goes with the number when that is reassigned. */
export class NumberContact {
  @Id() contactId: string;
  @Moment({ about: 'Since when it belongs to the number.' }) createdAt: string;
}

export class NewNumberContacts {
  @Ids({ min: 1, max: 500, about: 'Taken as they are: contacts belong to another service.' }) contactIds: string[];
}

export class AddedNumberContacts {
  @Whole({ about: 'How many of them did not belong to the number before.' }) added: number;
}

export const numberContacts = operation<Page<NumberContact>, NoBody, ListQuery>({
  id: 'numbers.contacts.list',
  service,
  method: 'GET',
  path,
  summary: 'List the contacts of a phone number',
  query: ListQuery,
  answer: pageOf(NumberContact),
  errors: ['not-found'],
});

/** Calls and texts that name a contact add it by themselves. Who looks after the contact stays as it is. */
export const numberContactsAdd = operation<AddedNumberContacts, NewNumberContacts>({
  id: 'numbers.contacts.add',
  service,
  method: 'POST',
  path,
  summary: 'Add contacts to a phone number',
  body: NewNumberContacts,
  answer: AddedNumberContacts,
  status: 200,
  errors: ['not-found', 'conflict', 'forbidden'],
});

/** Contacts have gone to somebody with their number. */
export interface ContactsMoved {
  /** Sorts by time: of two moves of a contact the later one counts, in whatever order they arrive. */
  id: string;
  accountId: string;
  /** 500 at most. */
  contactIds: string[];
  /** Null for nobody. */
  userId: string | null;
  /** The departure that moved them. Its rules speak of these contacts, too, and are applied before. */
  after: { userId: string; lifecycleVersion: number } | null;
}

/** Told again and again until the contacts service says that it is done; twice is once. */
export const contactsMoved: Ask<ContactsMoved, { done: boolean }> = {
  service: 'contacts',
  subject: 'rpc.contacts.moved',
  timeout: 10_000,
};
