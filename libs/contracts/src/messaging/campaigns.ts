import { Id, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';
import { MESSAGE_LENGTH } from './scheduled-messages.js';

const service = 'messaging';

export const CAMPAIGN_STATUSES = ['draft', 'scheduled', 'sending', 'sent', 'cancelled'] as const;
export type CampaignStatus = (typeof CAMPAIGN_STATUSES)[number];
/** What people may make of a campaign; the rest happens. */
export const CAMPAIGN_PLANS = ['draft', 'scheduled', 'cancelled'] as const;
export type CampaignPlan = (typeof CAMPAIGN_PLANS)[number];

export class NewCampaign {
  @Text({ optional: true }) name?: string;
  @Text({ max: MESSAGE_LENGTH }) text: string;
  @Moment({ about: 'When it is sent.' }) at: string;
  @OneOf(['draft', 'scheduled'], { optional: true, about: '`scheduled` unless given.' })
  status?: 'draft' | 'scheduled';
  @Id({ optional: true, about: 'Whom it goes to, as the segment is defined now; every contact unless given.' })
  segmentId?: string;
  @Id({ optional: true, about: 'The caller unless given.' }) ownerId?: string;
  @Id({
    optional: true,
    about: 'From where. Without one, or when its owner has left, from the shared inbox for campaigns.',
  })
  inboxId?: string;
}

export class CampaignChanges {
  @Text({ optional: true }) name?: string;
  @Text({ max: MESSAGE_LENGTH, optional: true }) text?: string;
  @Moment({ optional: true }) at?: string;
  @OneOf(CAMPAIGN_PLANS, { optional: true }) status?: CampaignPlan;
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

/** Whoever owns it, a campaign is there for everybody in the account. */
export const campaigns = resource({
  service,
  path: '/v1/campaigns',
  noun: 'a campaign',
  thing: Campaign,
  create: NewCampaign,
  query: CampaignQuery,
  errors: ['unknown-reference', 'unknown-user', 'inactive-user', 'service-unavailable'],
});

export const campaignUpdate = operation<Campaign, CampaignChanges>({
  id: 'campaigns.update',
  service,
  method: 'PATCH',
  path: '/v1/campaigns/:id',
  summary: 'Change a campaign that has not begun',
  body: CampaignChanges,
  answer: Campaign,
  errors: ['not-found', 'conflict'],
});
