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
  @OneOf(NUMBER_KINDS, { optional: true, about: 'Default: `personal`. A shared number has no owner.' })
  kind?: NumberKind;
  @Id({ optional: true, about: 'The owner of a personal number. Default: the signed-in user.' }) ownerId?: string;
  @Id({ optional: true, about: 'The user who answers calls and texts. Default: the owner.' })
  destinationUserId?: string;
}

export class PhoneNumberChanges {
  @Id({
    optional: true,
    nullable: true,
    about: 'The user who answers calls and texts from now on. Null for nobody. The owner and the contacts stay.',
  })
  destinationUserId?: string | null;
}

export class PhoneNumber {
  @Id() id: string;
  @Phone() e164: string;
  @OneOf(NUMBER_KINDS) kind: NumberKind;
  @OneOf(NUMBER_STATES, {
    about:
      '`quarantined`: taken from a user who has left, and can be restored. `released`: returned to the public pool.',
  })
  state: NumberState;
  @Id({ nullable: true }) ownerId: string | null;
  @Nested(() => UserView, { nullable: true }) owner: UserView | null;
  @Id({ nullable: true }) destinationUserId: string | null;
  @Nested(() => UserView, { nullable: true }) destinationUser: UserView | null;
  @Id({ nullable: true, about: 'The previous owner of a quarantined number.' }) quarantinedFromId: string | null;
  @Nested(() => UserView, { nullable: true }) quarantinedFrom: UserView | null;
  @Moment({ nullable: true, about: 'When it returns or returned to the public pool.' }) releaseAt: string | null;
  @Id({ nullable: true, about: 'The shared inbox for texts to the number, if its user was converted to one.' })
  inboxId: string | null;
  @Id({ nullable: true, about: 'The number that has taken over its contacts.' }) movedToId: string | null;
  @Moment({
    nullable: true,
    about: 'When the carrier confirmed that the number is this account’s. Another account may enter the same number.',
  })
  verifiedAt: string | null;
  @Moment() createdAt: string;
}

export class PhoneNumberQuery extends ListQuery {
  @PersonFilter('Id of the owner, `me` or `none`.') ownerId?: string;
  @PersonFilter('Id of the user who answers, `me` or `none`.') destinationUserId?: string;
  @OneOf(NUMBER_STATES, { optional: true }) state?: NumberState;
  @OneOf(NUMBER_KINDS, { optional: true }) kind?: NumberKind;
  @Phone({ optional: true }) e164?: string;
}

const plain = resource({
  service,
  path: '/v1/numbers',
  access: { create: 'signed-in', list: 'signed-in', get: 'signed-in', remove: MANAGERS, update: MANAGERS },
  noun: 'a phone number',
  plural: 'phone numbers',
  thing: PhoneNumber,
  create: NewPhoneNumber,
  query: PhoneNumberQuery,
  errors: ['unknown-user', 'inactive-user', 'conflict'],
  update: PhoneNumberChanges,
  updateSummary: 'Choose the user who answers an assigned number; to hand it over with its contacts, reassign it',
  updateErrors: ['conflict', 'unknown-user', 'inactive-user'],
});

export const phoneNumbers = {
  ...plain,
  remove: operation({
    ...plain.remove,
    summary: 'Remove a phone number from the account; its call history stays',
  }),
};

export class NumberReassignment {
  @Id() userId: string;
}

export const numberReassign = operation<PhoneNumber, NumberReassignment>({
  id: 'numbers.reassign',
  service,
  method: 'POST',
  path: '/v1/numbers/:id/reassign',
  summary: 'Reassign a number with its contacts and all future calls to another user',
  body: NumberReassignment,
  answer: PhoneNumber,
  status: 200,
  access: MANAGERS,
  errors: ['not-found', 'conflict', 'unknown-user', 'inactive-user'],
});

export class NumberRelease {
  @Id({ optional: true, about: 'An assigned number of the account, which takes over the contacts.' })
  moveContactsTo?: string;
}

export const numberRelease = operation<PhoneNumber, NumberRelease>({
  id: 'numbers.release',
  service,
  method: 'POST',
  path: '/v1/numbers/:id/release',
  summary: 'Return a number to the public pool, immediately and permanently',
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
  summary: 'Take a number out of quarantine and cancel its release',
  body: NumberRestoration,
  answer: PhoneNumber,
  status: 200,
  access: MANAGERS,
  errors: ['not-found', 'conflict', 'unknown-user', 'inactive-user'],
});
