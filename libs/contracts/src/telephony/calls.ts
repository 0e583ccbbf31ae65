import { Id, Moment, Nested, OneOf, PersonFilter, Phone } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Page } from '../operation.js';

const service = 'telephony';

/**
 * `routed`: to `user`. `voicemail`: whoever should answer has left. `unassigned`: nobody is to answer.
 * `no-longer-in-service`: the number has been released.
 */
export const CALL_OUTCOMES = ['routed', 'voicemail', 'unassigned', 'no-longer-in-service'] as const;
export type CallOutcome = (typeof CALL_OUTCOMES)[number];

export class InboundCall {
  @Phone() to: string;
  @Phone({ optional: true, about: 'Absent when the caller withholds it.' }) from?: string;
  @Id({ optional: true, about: 'Whose call or text it is; the contact then belongs to the number.' })
  contactId?: string;
}

export class SuccessorNumber {
  @Id() id: string;
  @Phone() e164: string;
}

export class RoutedCall {
  @Id({ about: 'Under which it is in the history.' }) callId: string;
  @OneOf(CALL_OUTCOMES) outcome: CallOutcome;
  @Id() numberId: string;
  @Nested(() => UserView, { nullable: true, about: 'Who gets the call or text, if it is routed.' })
  user: UserView | null;
  @Id({ nullable: true, about: 'The shared inbox that texts to the number go to; null for the user’s own.' })
  inboxId: string | null;
  @Nested(() => SuccessorNumber, { nullable: true, about: 'Where the contacts of a released number are now.' })
  movedTo: SuccessorNumber | null;
}

export const callInbound = operation<RoutedCall, InboundCall>({
  id: 'calls.inbound',
  service,
  method: 'POST',
  path: '/v1/calls/inbound',
  summary: 'How a call or text to one of the account’s numbers is routed',
  body: InboundCall,
  answer: RoutedCall,
  status: 200,
  errors: ['not-found'],
});

export const CALL_DIRECTIONS = ['inbound', 'outbound'] as const;
export type CallDirection = (typeof CALL_DIRECTIONS)[number];

/** `placed`: somebody of the account has called out. The others are those of an inbound call. */
export const PAST_CALL_OUTCOMES = [...CALL_OUTCOMES, 'placed'] as const;
export type PastCallOutcome = (typeof PAST_CALL_OUTCOMES)[number];

/** A call or text of the past. */
export class PhoneCall {
  @Id() id: string;
  @OneOf(CALL_DIRECTIONS) direction: CallDirection;
  @Id({ nullable: true, about: 'The account’s number; null once it has been removed.' }) numberId: string | null;
  @Phone({ nullable: true, about: 'Null when the caller withheld it.' }) from: string | null;
  @Phone() to: string;
  @OneOf(PAST_CALL_OUTCOMES) outcome: PastCallOutcome;
  @Id({ nullable: true, about: 'Who got it, or who called.' }) userId: string | null;
  @Nested(() => UserView, { nullable: true }) user: UserView | null;
  @Moment() createdAt: string;
}

export class OutboundCall {
  @Id({ about: 'An assigned number: a shared one, or one that the caller owns or answers.' }) numberId: string;
  @Phone() to: string;
  @Id({ optional: true, about: 'Who is called; the contact then belongs to the number.' }) contactId?: string;
}

export const callOutbound = operation<PhoneCall, OutboundCall>({
  id: 'calls.outbound',
  service,
  method: 'POST',
  path: '/v1/calls/outbound',
  summary: 'Call somebody from one of the account’s numbers',
  body: OutboundCall,
  answer: PhoneCall,
  errors: ['unknown-reference', 'forbidden', 'conflict', 'inactive-user'],
});

export class CallQuery extends ListQuery {
  @PersonFilter('Id of who got it or called, `me` or `none`.') userId?: string;
  @OneOf(CALL_DIRECTIONS, { optional: true }) direction?: CallDirection;
  @Id({ optional: true }) numberId?: string;
}

export const calls = operation<Page<PhoneCall>, NoBody, CallQuery>({
  id: 'calls.list',
  service,
  method: 'GET',
  path: '/v1/calls',
  summary: 'List the calls of the past',
  query: CallQuery,
  answer: pageOf(PhoneCall),
});

export const callGet = operation<PhoneCall>({
  id: 'calls.get',
  service,
  method: 'GET',
  path: '/v1/calls/:id',
  summary: 'Read a call of the past',
  answer: PhoneCall,
  errors: ['not-found'],
});
