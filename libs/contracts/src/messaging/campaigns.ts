import { Id, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, operation, OWNED, resource, UserView } from '../operation.js';
import { MESSAGE_LENGTH } from './scheduled-messages.js';

const service = 'messaging';

export const CAMPAIGN_STATUSES = ['draft', 'scheduled', 'sending', 'sent', 'cancelled'] as const;
export type CampaignStatus = (typeof CAMPAIGN_STATUSES)[number];
/** The statuses that a user can set. */
export const CAMPAIGN_PLANS = ['draft', 'scheduled', 'cancelled'] as const;
export type CampaignPlan = (typeof CAMPAIGN_PLANS)[number];

export class NewCampaign {
  @Text({ optional: true }) name?: string;
  @Text({ max: MESSAGE_LENGTH }) text: string;
  @Moment({ about: 'When it is sent.' }) at: string;
  @OneOf(['draft', 'scheduled'], { optional: true, about: 'Default: `scheduled`.' })
  status?: 'draft' | 'scheduled';
  @Id({ optional: true, about: 'The recipients, as the segment is defined now. Default: all contacts.' })
  segmentId?: string;
  @Id({ optional: true, about: 'Default: the signed-in user.' }) ownerId?: string;
  @Id({
    optional: true,
    about: 'The inbox that sends it. Default, and if its owner has left: the shared inbox for campaigns.',
  })
  inboxId?: string;
}

export class CampaignChanges {
  @Text({ optional: true }) name?: string;
  @Text({ max: MESSAGE_LENGTH, optional: true }) text?: string;
  @Moment({ optional: true }) at?: string;
  @OneOf(CAMPAIGN_PLANS, { optional: true }) status?: CampaignPlan;
  @Id({ optional: true, about: 'Hands it over to this user; for its owner, and owners and admins.' }) ownerId?: string;
  @Id({ optional: true, nullable: true, about: 'The inbox that sends it. Null for the shared inbox for campaigns.' })
  inboxId?: string | null;
}

export class Campaign {
  @Id() id: string;
  @Text({ nullable: true }) name: string | null;
  @Text({ max: MESSAGE_LENGTH }) text: string;
  @Moment() at: string;
  @OneOf(CAMPAIGN_STATUSES) status: CampaignStatus;
  @Id({ nullable: true }) segmentId: string | null;
  @Id({ nullable: true }) inboxId: string | null;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Moment() createdAt: string;
}

export class CampaignQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @OneOf(CAMPAIGN_STATUSES, { optional: true }) status?: CampaignStatus;
}

/** Campaigns are visible to all users of the account. */
export const campaigns = resource({
  service,
  path: '/v1/campaigns',
  access: OWNED,
  noun: 'a campaign',
  plural: 'campaigns',
  thing: Campaign,
  create: NewCampaign,
  query: CampaignQuery,
  errors: ['unknown-reference', 'unknown-user', 'inactive-user', 'service-unavailable'],
});

export const campaignUpdate = operation<Campaign, CampaignChanges>({
  id: 'campaigns.update',
  service,
  method: 'PATCH',
  access: 'signed-in',
  path: '/v1/campaigns/:id',
  summary: 'Change a campaign that has not started, or hand it over to another user',
  body: CampaignChanges,
  answer: Campaign,
  errors: ['not-found', 'forbidden', 'conflict', 'unknown-reference', 'unknown-user', 'inactive-user'],
});
