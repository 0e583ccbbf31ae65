import { Flag, Id, Json, Moment, Nested, PersonFilter, Text } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';

const service = 'insights';

export class NewDashboard {
  @Text() name: string;
  @Flag({ optional: true, about: 'Shared with the whole account; otherwise only the owner sees it.' }) shared?: boolean;
  @Id({ optional: true, about: 'The caller unless given.' }) ownerId?: string;
  @Json({ optional: true, about: 'What the dashboard shows.' }) layout?: Record<string, unknown>;
}

export class Dashboard {
  @Id() id: string;
  @Text() name: string;
  @Flag() shared: boolean;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @Json() layout: Record<string, unknown>;
  @Moment() createdAt: string;
}

export class DashboardQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @Flag({ optional: true }) shared?: boolean;
}

export const dashboards = resource({
  service,
  path: '/v1/dashboards',
  noun: 'a dashboard',
  thing: Dashboard,
  create: NewDashboard,
  query: DashboardQuery,
  errors: ['unknown-user', 'inactive-user'],
});

export class PublicLink {
  @Id() id: string;
  @Id() dashboardId: string;
  @Id() createdById: string;
  @Nested(() => UserView) createdBy: UserView;
  @Text({ about: 'The path of the public page, without sign-in.' }) url: string;
  @Flag({ about: 'False once it has been disabled: the page answers 404.' }) active: boolean;
  @Moment() createdAt: string;
}

export class NewPublicLink {
  @Id() dashboardId: string;
}

export class PublicLinkQuery extends ListQuery {
  @Id({ optional: true }) dashboardId?: string;
  @PersonFilter('Id of the user who made it, or `me`.') createdById?: string;
}

export const publicLinks = resource({
  service,
  path: '/v1/public-links',
  noun: 'a public link to a dashboard',
  thing: PublicLink,
  create: NewPublicLink,
  query: PublicLinkQuery,
  errors: ['unknown-reference'],
});

export class PublicDashboard {
  @Text() name: string;
  @Json() layout: Record<string, unknown>;
}

export const publicDashboard = operation<PublicDashboard>({
  id: 'public-links.show',
  service,
  method: 'GET',
  path: '/p/:token',
  summary: 'The public page of a dashboard',
  answer: PublicDashboard,
  access: 'public',
  errors: ['not-found'],
});
