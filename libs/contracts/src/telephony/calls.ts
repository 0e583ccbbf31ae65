import { Id, Nested, OneOf, Phone } from '../fields.js';
import { operation, UserView } from '../operation.js';

/**
 * `routed`: to `user`. `voicemail`: whoever should answer has left. `unassigned`: nobody is to answer.
 * `no-longer-in-service`: the number has been released.
 */
export const CALL_OUTCOMES = ['routed', 'voicemail', 'unassigned', 'no-longer-in-service'] as const;
export type CallOutcome = (typeof CALL_OUTCOMES)[number];

export class InboundCall {
  @Phone() to: string;
  @Phone({ optional: true, about: 'Absent when the caller withholds it.' }) from?: string;
}

export class SuccessorNumber {
  @Id() id: string;
  @Phone() e164: string;
}

export class RoutedCall {
  @OneOf(CALL_OUTCOMES) outcome: CallOutcome;
  @Id() numberId: string;
  @Nested(() => UserView, { nullable: true, about: 'Who gets the call or text, if it is routed.' })
  user: UserView | null;
  @Nested(() => SuccessorNumber, { nullable: true, about: 'Where the contacts of a released number are now.' })
  movedTo: SuccessorNumber | null;
}

export const callInbound = operation<RoutedCall, InboundCall>({
  id: 'calls.inbound',
  service: 'telephony',
  method: 'POST',
  path: '/v1/calls/inbound',
  summary: 'How a call or text to one of the account’s numbers is routed',
  body: InboundCall,
  answer: RoutedCall,
  status: 200,
  errors: ['not-found'],
});
