import { Flag, Id, Ids, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

/** The most characters of a message: ten SMS of 160 characters. */
export const MESSAGE_LENGTH = 1_600;
/** The most recipients of one message. Campaigns have no such limit. */
export const MOST_RECIPIENTS = 1_000;

/**
 * `held`: its owner is deactivated; it becomes `scheduled` again if they are reactivated in time. `missed`: it became due
 * while it was held. `cancelled`: its owner has left.
 */
export const SCHEDULED_MESSAGE_STATUSES = ['scheduled', 'held', 'missed', 'cancelled', 'sent'] as const;
export type ScheduledMessageStatus = (typeof SCHEDULED_MESSAGE_STATUSES)[number];

/** The sender, recipients and text of a message. The recipients are either single contacts or a segment. */
export class Addressed {
  @Id({ optional: true, about: 'The inbox that sends it. Default: the personal inbox of the signed-in user.' })
  inboxId?: string;
  @Ids({
    optional: true,
    min: 1,
    max: MOST_RECIPIENTS,
    about: 'The recipients. Give either `contactIds` or `segmentId`.',
  })
  contactIds?: string[];
  @Id({ optional: true, about: 'The segment whose contacts are the recipients.' }) segmentId?: string;
  @Text({ max: MESSAGE_LENGTH }) text: string;
  @Flag({ optional: true, about: 'Only send it to recipients who are assigned to the signed-in user.' })
  onlyMyContacts?: boolean;
}

export class NewScheduledMessage extends Addressed {
  @Moment() at: string;
  @OneOf(['scheduled'], { optional: true }) status?: 'scheduled';
}

export class ScheduledMessageChanges {
  @Text({ max: MESSAGE_LENGTH, optional: true }) text?: string;
  @Moment({ optional: true }) at?: string;
  @Id({
    optional: true,
    about:
      'Moves it to this inbox, in which you may write. Its owner becomes that of the inbox; for a shared inbox, the ' +
      'signed-in user. A held message is scheduled again.',
  })
  inboxId?: string;
}

export class ScheduledMessage {
  @Id() id: string;
  @Id() inboxId: string;
  @Ids({ max: MOST_RECIPIENTS }) contactIds: string[];
  @Text({ max: MESSAGE_LENGTH }) text: string;
  @Moment() at: string;
  @OneOf(SCHEDULED_MESSAGE_STATUSES) status: ScheduledMessageStatus;
  @Id({ about: 'The owner of the inbox; for a shared inbox, the user who scheduled it or moved it there.' })
  ownerId: string;
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
  access: {
    create: 'record-owner-or-manager',
    list: 'signed-in',
    get: 'record-owner-or-manager',
    remove: 'record-owner-or-manager',
    update: 'record-owner-or-manager',
  },
  noun: 'a scheduled message',
  plural: 'scheduled messages',
  thing: ScheduledMessage,
  create: NewScheduledMessage,
  query: ScheduledMessageQuery,
  errors: ['forbidden', 'unknown-reference', 'inactive-user', 'no-assigned-contacts'],
  update: ScheduledMessageChanges,
  updateSummary: 'Change a message that has not been sent, or move it to another inbox',
  updateErrors: ['forbidden', 'conflict', 'unknown-reference', 'inactive-user'],
});
