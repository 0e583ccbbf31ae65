import { Flag, Id, Ids, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

/** Longest text of a message: ten SMS of 160 characters. */
export const MESSAGE_LENGTH = 1_600;
/** To how many contacts one message goes at most; whoever wants to reach more makes a campaign. */
export const MOST_RECIPIENTS = 1_000;

/**
 * `held`: its owner is away; `scheduled` again if they return in time. `missed`: its time came while it was held.
 * `cancelled`: its owner has left.
 */
export const SCHEDULED_MESSAGE_STATUSES = ['scheduled', 'held', 'missed', 'cancelled', 'sent'] as const;
export type ScheduledMessageStatus = (typeof SCHEDULED_MESSAGE_STATUSES)[number];

/** To whom: either contacts one by one, or a segment. */
export class Addressed {
  @Id({ optional: true, about: 'From where; the personal inbox of the caller unless given.' }) inboxId?: string;
  @Ids({ optional: true, min: 1, max: MOST_RECIPIENTS, about: 'Either these contacts …' }) contactIds?: string[];
  @Id({ optional: true, about: '… or the contacts of this segment.' }) segmentId?: string;
  @Text({ max: MESSAGE_LENGTH }) text: string;
  @Flag({ optional: true, about: 'Only to those among them who are assigned to the caller.' }) onlyMyContacts?: boolean;
}

export class NewScheduledMessage extends Addressed {
  @Moment() at: string;
  @OneOf(['scheduled'], { optional: true }) status?: 'scheduled';
}

export class ScheduledMessage {
  @Id() id: string;
  @Id() inboxId: string;
  @Ids({ max: MOST_RECIPIENTS }) contactIds: string[];
  @Text({ max: MESSAGE_LENGTH }) text: string;
  @Moment() at: string;
  @OneOf(SCHEDULED_MESSAGE_STATUSES) status: ScheduledMessageStatus;
  @Id({ about: 'Whose number it goes from; for a shared inbox, who scheduled it.' }) ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Nested(() => UserView) scheduledBy: UserView;
  @Moment() createdAt: string;
}

export class ScheduledMessageQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @OneOf(SCHEDULED_MESSAGE_STATUSES, { optional: true }) status?: ScheduledMessageStatus;
  @Id({ optional: true }) inboxId?: string;
}

export const scheduledMessages = resource({
  service: 'messaging',
  path: '/v1/scheduled-messages',
  noun: 'a scheduled message',
  thing: ScheduledMessage,
  create: NewScheduledMessage,
  query: ScheduledMessageQuery,
  errors: ['forbidden', 'unknown-reference', 'inactive-user', 'no-assigned-contacts'],
});
