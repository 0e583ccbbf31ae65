import { Id, Link, Moment, Nested, OneOf, Pattern, PersonFilter, Text } from '../fields.js';
import { ListQuery, operation, OWNED, resource, UserView } from '../operation.js';

const service = 'integrations';

export const SCHEDULER_LINK_STATUSES = ['active', 'expired'] as const;
export type SchedulerLinkStatus = (typeof SCHEDULER_LINK_STATUSES)[number];

const ABOUT_STATUS =
  'The page of an expired link answers 410. A link that expired because its owner left stays expired after their ' +
  'return; they can reactivate it.';

export class NewSchedulerLink {
  @Pattern(/^[a-z0-9][a-z0-9-]{2,79}$/, '3 to 80 lower-case letters, digits and hyphens', {
    about: 'The last part of the public URL. Unique across all accounts.',
  })
  slug: string;
  @Text({ about: 'What the meeting is about.' }) title: string;
  @Id({ optional: true, about: 'The user to meet. Default: the signed-in user.' }) ownerId?: string;
  @OneOf(SCHEDULER_LINK_STATUSES, { optional: true, about: 'Default: `active`.' }) status?: SchedulerLinkStatus;
}

export class SchedulerLink {
  @Id() id: string;
  @Text() slug: string;
  @Link({
    about: 'Where the public page is, which needs no sign-in: absolute if the server knows its address, else a path.',
  })
  url: string;
  @Text() title: string;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @OneOf(SCHEDULER_LINK_STATUSES, { about: ABOUT_STATUS }) status: SchedulerLinkStatus;
  @Moment() createdAt: string;
  @Moment({ nullable: true }) expiredAt: string | null;
}

export class SchedulerLinkQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @OneOf(SCHEDULER_LINK_STATUSES, { optional: true }) status?: SchedulerLinkStatus;
}

export class SchedulerLinkChanges {
  @Text({ optional: true }) title?: string;
  @Id({ optional: true, about: 'Hands it over to this user, whom its page then names as the user to meet.' })
  ownerId?: string;
  @OneOf(SCHEDULER_LINK_STATUSES, { optional: true }) status?: SchedulerLinkStatus;
}

export const schedulerLinks = resource({
  service,
  path: '/v1/scheduler-links',
  access: OWNED,
  noun: 'a meeting scheduler link',
  plural: 'meeting scheduler links',
  thing: SchedulerLink,
  create: NewSchedulerLink,
  query: SchedulerLinkQuery,
  errors: ['conflict', 'unknown-user', 'inactive-user'],
  update: SchedulerLinkChanges,
  updateSummary:
    'Rename, expire, reactivate or hand over a meeting scheduler link; for its owner, and owners and admins of the account',
  updateErrors: ['forbidden', 'unknown-user', 'inactive-user'],
});

export class PublicSchedulerPage {
  @Text() title: string;
  @Text({ about: 'The name of the user to meet.' }) hostName: string;
}

export const publicScheduler = operation<PublicSchedulerPage>({
  id: 'scheduler-links.show',
  service,
  method: 'GET',
  path: '/m/:slug',
  summary: 'Read the public page of a meeting scheduler link',
  answer: PublicSchedulerPage,
  access: 'public',
  errors: ['not-found', 'gone'],
});
