import { Id, Moment, Nested, OneOf, PersonFilter, Phone } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';
import { MANAGERS } from '../principal.js';

const service = 'telephony';

export const NUMBER_KINDS = ['personal', 'shared'] as const;
export type NumberKind = (typeof NUMBER_KINDS)[number];
export const NUMBER_STATES = ['assigned', 'quarantined', 'released'] as const;
export type NumberState = (typeof NUMBER_STATES)[number];

export class NewPhoneNumber {
  @Phone() e164: string;
  @OneOf(NUMBER_KINDS, { optional: true, about: '`personal` unless given. A shared number has no owner.' })
  kind?: NumberKind;
  @Id({ optional: true, about: 'Whose personal number it is; the caller unless given.' }) ownerId?: string;
  @Id({ optional: true, about: 'Who answers calls and texts; the owner unless given.' }) destinationUserId?: string;
}

export class PhoneNumber {
  @Id() id: string;
  @Phone() e164: string;
  @OneOf(NUMBER_KINDS) kind: NumberKind;
  @OneOf(NUMBER_STATES, {
    about: '`quarantined`: taken from somebody who has left, can be restored. `released`: back in the public pool.',
  })
  state: NumberState;
  @Id({ nullable: true }) ownerId: string | null;
  @Nested(() => UserView, { nullable: true }) owner: UserView | null;
  @Id({ nullable: true }) destinationUserId: string | null;
  @Nested(() => UserView, { nullable: true }) destinationUser: UserView | null;
  @Id({ nullable: true, about: 'Whose number it was, while it is quarantined.' }) quarantinedFromId: string | null;
  @Nested(() => UserView, { nullable: true }) quarantinedFrom: UserView | null;
  @Moment({ nullable: true, about: 'When it goes, or went, back to the public pool.' }) releaseAt: string | null;
  @Id({ nullable: true, about: 'The shared inbox that texts to it go to, of a user who has become one.' })
  inboxId: string | null;
  @Id({ nullable: true, about: 'The number that its contacts have been moved to.' }) movedToId: string | null;
  @Moment() createdAt: string;
}

export class PhoneNumberQuery extends ListQuery {
  @PersonFilter('Id of the owner, `me` or `none`.') ownerId?: string;
  @PersonFilter('Id of whoever answers, `me` or `none`.') destinationUserId?: string;
  @OneOf(NUMBER_STATES, { optional: true }) state?: NumberState;
  @OneOf(NUMBER_KINDS, { optional: true }) kind?: NumberKind;
  @Phone({ optional: true }) e164?: string;
}

const plain = resource({
  service,
  path: '/v1/numbers',
  noun: 'a phone number',
  thing: PhoneNumber,
  create: NewPhoneNumber,
  query: PhoneNumberQuery,
  errors: ['unknown-user', 'inactive-user', 'conflict'],
});

export const phoneNumbers = {
  ...plain,
  remove: operation({ ...plain.remove, access: MANAGERS, summary: 'Remove a phone number without a trace' }),
};

export class NumberReassignment {
  @Id() userId: string;
}

export const numberReassign = operation<PhoneNumber, NumberReassignment>({
  id: 'numbers.reassign',
  service,
  method: 'POST',
  path: '/v1/numbers/:id/reassign',
  summary: 'Give a number with its contacts and all future calls to another user',
  body: NumberReassignment,
  answer: PhoneNumber,
  status: 200,
  access: MANAGERS,
  errors: ['not-found', 'conflict', 'unknown-user', 'inactive-user'],
});

export class NumberRelease {
  @Id({ optional: true, about: 'An assigned number of the account that takes over the contacts.' })
  moveContactsTo?: string;
}

export const numberRelease = operation<PhoneNumber, NumberRelease>({
  id: 'numbers.release',
  service,
  method: 'POST',
  path: '/v1/numbers/:id/release',
  summary: 'Give a number back to the public pool, at once and for good',
  body: NumberRelease,
  bodyOptional: true,
  answer: PhoneNumber,
  status: 200,
  access: MANAGERS,
  errors: ['not-found', 'conflict', 'unknown-reference'],
});

export class NumberRestoration {
  @Id() ownerId: string;
}

export const numberRestore = operation<PhoneNumber, NumberRestoration>({
  id: 'numbers.restore',
  service,
  method: 'POST',
  path: '/v1/numbers/:id/restore',
  summary: 'Take a number out of quarantine; its release is called off',
  body: NumberRestoration,
  answer: PhoneNumber,
  status: 200,
  access: MANAGERS,
  errors: ['not-found', 'conflict', 'unknown-user', 'inactive-user'],
});
