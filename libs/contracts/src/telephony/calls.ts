import { Id, Moment, Nested, OneOf, PersonFilter, Phone } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Page } from '../operation.js';
import { MANAGERS } from '../principal.js';

const service = 'telephony';

/**
 * `routed`: to `user`. `voicemail`: the user who should answer has left and has no caretaker. `unassigned`: no user is
 * assigned to answer. `no-longer-in-service`: the number has been released.
 */
export const CALL_OUTCOMES = ['routed', 'voicemail', 'unassigned', 'no-longer-in-service'] as const;
export type CallOutcome = (typeof CALL_OUTCOMES)[number];

export class InboundCall {
  @Phone() to: string;
  @Phone({ optional: true, about: 'Absent if the caller withholds it.' }) from?: string;
  @Id({ optional: true, about: 'The contact who calls or writes. It is then added to the number’s contacts.' })
  contactId?: string;
}

export class SuccessorNumber {
  @Id() id: string;
  @Phone() e164: string;
}

export class RoutedCall {
  @Id({ about: 'The id of the call in the history.' }) callId: string;
  @OneOf(CALL_OUTCOMES) outcome: CallOutcome;
  @Id() numberId: string;
  @Nested(() => UserView, {
    nullable: true,
    about: 'The user who gets the call if it is routed: the caretaker if the user who should answer has left.',
  })
  user: UserView | null;
  @Nested(() => UserView, {
    nullable: true,
    about: 'The user whose inbox gets a text. A user who has left is named only while there is a caretaker.',
  })
  inboxOwner: UserView | null;
  @Id({
    nullable: true,
    about:
      'The user who has left and whose number it was before its quarantine, or who should answer and has no caretaker.',
  })
  leaverId: string | null;
  @Id({ nullable: true, about: 'The shared inbox for texts to the number. Null if they go to a user’s inbox.' })
  inboxId: string | null;
  @Nested(() => SuccessorNumber, {
    nullable: true,
    about: 'The number that has taken over the contacts of a released number.',
  })
  movedTo: SuccessorNumber | null;
}

/** For the carrier’s connector, with a manager's API token. */
export const callInbound = operation<RoutedCall, InboundCall>({
  id: 'calls.inbound',
  service,
  method: 'POST',
  access: MANAGERS,
  alsoCalledBy: ['messaging'],
  path: '/v1/calls/inbound',
  summary: 'Route a call or text to one of the account’s numbers',
  body: InboundCall,
  answer: RoutedCall,
  status: 200,
  errors: ['not-found'],
});

export const CALL_DIRECTIONS = ['inbound', 'outbound'] as const;
export type CallDirection = (typeof CALL_DIRECTIONS)[number];

/** `placed` is for outbound calls, the others are for inbound calls. */
export const PAST_CALL_OUTCOMES = [...CALL_OUTCOMES, 'placed'] as const;
export type PastCallOutcome = (typeof PAST_CALL_OUTCOMES)[number];

/** A call or text in the history. */
export class PhoneCall {
  @Id() id: string;
  @OneOf(CALL_DIRECTIONS) direction: CallDirection;
  @Id({ nullable: true, about: 'The account’s number. Null if it has been removed.' }) numberId: string | null;
  @Phone({ nullable: true, about: 'Null if the caller withheld it.' }) from: string | null;
  @Phone() to: string;
  @OneOf(PAST_CALL_OUTCOMES) outcome: PastCallOutcome;
  @Id({ nullable: true, about: 'The user who got it or who called.' }) userId: string | null;
  @Nested(() => UserView, { nullable: true }) user: UserView | null;
  @Moment() createdAt: string;
}

export class OutboundCall {
  @Id({ about: 'An assigned number: a shared one, or one that the signed-in user owns or answers.' }) numberId: string;
  @Phone() to: string;
  @Id({ optional: true, about: 'The contact who is called. It is then added to the number’s contacts.' })
  contactId?: string;
}

export const callOutbound = operation<PhoneCall, OutboundCall>({
  id: 'calls.outbound',
  service,
  method: 'POST',
  access: 'record-owner',
  path: '/v1/calls/outbound',
  summary: 'Call from one of the account’s numbers',
  body: OutboundCall,
  answer: PhoneCall,
  errors: ['unknown-reference', 'forbidden', 'conflict', 'inactive-user'],
});

export class CallQuery extends ListQuery {
  @PersonFilter('Id of the user who got it or called, `me` or `none`.') userId?: string;
  @OneOf(CALL_DIRECTIONS, { optional: true }) direction?: CallDirection;
  @Id({ optional: true }) numberId?: string;
}

export const calls = operation<Page<PhoneCall>, NoBody, CallQuery>({
  id: 'calls.list',
  service,
  method: 'GET',
  access: 'signed-in',
  path: '/v1/calls',
  summary: 'List the call history',
  query: CallQuery,
  answer: pageOf(PhoneCall),
});

export const callGet = operation<PhoneCall>({
  id: 'calls.get',
  service,
  method: 'GET',
  access: 'record-owner-or-manager',
  path: '/v1/calls/:id',
  summary: 'Read a call in the history',
  answer: PhoneCall,
  errors: ['not-found'],
});
