import { Id, Ids, Moment, Whole } from '../fields.js';
import type { Ask } from '../lifecycle.js';
import { ListQuery, NoBody, operation, pageOf, type Page } from '../operation.js';

const service = 'telephony';
const path = '/v1/numbers/:id/contacts';

/** A contact of a phone number. It moves with the number when the number is reassigned. */
export class NumberContact {
  @Id() contactId: string;
  @Moment({ about: 'When the contact was added to the number.' }) createdAt: string;
}

export class NewNumberContacts {
  @Ids({ min: 1, max: 500, about: 'Not checked: contacts belong to another service.' }) contactIds: string[];
}

export class AddedNumberContacts {
  @Whole({ about: 'How many of them did not belong to the number before.' }) added: number;
}

export const numberContacts = operation<Page<NumberContact>, NoBody, ListQuery>({
  id: 'numbers.contacts.list',
  service,
  method: 'GET',
  access: 'record-owner-or-manager',
  path,
  summary: 'List the contacts of a phone number',
  query: ListQuery,
  answer: pageOf(NumberContact),
  errors: ['not-found'],
});

/** Calls and texts with a contact add it automatically. The contact's assignee is not changed. */
export const numberContactsAdd = operation<AddedNumberContacts, NewNumberContacts>({
  id: 'numbers.contacts.add',
  service,
  method: 'POST',
  access: 'record-owner-or-manager',
  path,
  summary: 'Add contacts to a phone number',
  body: NewNumberContacts,
  answer: AddedNumberContacts,
  status: 200,
  errors: ['not-found', 'conflict', 'forbidden'],
});

/** Contacts move to another user with their number. */
export interface ContactsMoved {
  /** Sorts by time. The latest move of a contact wins, in whatever order the moves arrive. */
  id: string;
  accountId: string;
  /** At most 500. Empty with `undoes`. */
  contactIds: string[];
  /** Null if the number has no user. */
  userId: string | null;
  /**
   * The decision about a user that moves them. Its rules also affect these contacts and are applied first. The move has no
   * effect behind a newer decision.
   */
  after: { userId: string; lifecycleVersion: number } | null;
  /** Set by telephony services that wait for the number of contacts before the departure completes. */
  departure?: {
    /** The rule that moves the number. */
    rule: string;
    /** Contacts that were assigned later, for example by an import, are left alone. */
    decidedAt: string;
    /** Whether a reactivation may undo the move. */
    undoable: boolean;
  };
  /** Undoes the moves of an earlier departure and rule instead. `after` is then the reactivation. */
  undoes?: { rule: string; lifecycleVersion: number };
}

export interface ContactsMovedAnswer {
  /** Whether there is nothing left to do. If not, the request has to be repeated later. */
  done: boolean;
  /** Whether a newer decision about the user is known. Nothing has been done. */
  superseded?: boolean;
  /** How many contacts have moved, or have moved back. Absent without `departure` and `undoes`, and from old services. */
  moved?: number;
  /** With `undoes`: how many contacts have not moved back, because they have been assigned to somebody since. */
  notRestored?: number;
  /** `successor-has-left`: the contacts are assigned to nobody. */
  warning?: string;
}

/** Repeated until the contacts service answers `done`. Idempotent. */
export const contactsMoved: Ask<ContactsMoved, ContactsMovedAnswer> = {
  service: 'contacts',
  subject: 'rpc.contacts.moved',
  timeout: 10_000,
  calledBy: ['telephony'],
};

/** How many of the contacts that a departure has moved would move back if the user returned now. Changes nothing. */
export const contactsReturnable: Ask<
  { accountId: string; userId: string; rule: string; lifecycleVersion: number },
  { returnable: number }
> = {
  service: 'contacts',
  subject: 'rpc.contacts.returnable',
  timeout: 10_000,
  calledBy: ['telephony'],
};
