import { Flag, Id, Json, Link, Moment, Nested, PersonFilter, Text } from '../fields.js';
import { ListQuery, operation, OWNED, resource, UserView } from '../operation.js';

const service = 'insights';

export class NewDashboard {
  @Text() name: string;
  @Flag({ optional: true, about: 'Whether all users of the account see it, or only the owner.' }) shared?: boolean;
  @Id({ optional: true, about: 'Default: the signed-in user.' }) ownerId?: string;
  @Json({ optional: true, about: 'The layout of the dashboard.' }) layout?: Record<string, unknown>;
}

export class DashboardChanges {
  @Text({ optional: true }) name?: string;
  @Flag({ optional: true, about: 'Whether all users of the account see it, or only the owner.' }) shared?: boolean;
  @Id({
    optional: true,
    about: 'Hands it over to this user. Its public links stay as they are, and the new owner sees them.',
  })
  ownerId?: string;
  @Json({ optional: true, about: 'The layout of the dashboard.' }) layout?: Record<string, unknown>;
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
  access: {
    create: 'signed-in',
    list: 'signed-in',
    get: 'record-owner',
    remove: 'record-owner',
    update: 'record-owner',
  },
  noun: 'a dashboard',
  plural: 'dashboards',
  thing: Dashboard,
  create: NewDashboard,
  query: DashboardQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: DashboardChanges,
  updateSummary: 'Change a dashboard, or hand it over to another user',
  updateErrors: ['forbidden', 'unknown-user', 'inactive-user'],
});

export class PublicLink {
  @Id() id: string;
  @Id() dashboardId: string;
  @Id() createdById: string;
  @Nested(() => UserView) createdBy: UserView;
  @Link({
    about: 'Where the public page is, which needs no sign-in: absolute if the server knows its address, else a path.',
  })
  url: string;
  @Flag({ about: 'False if it has been disabled. The page then answers 404.' }) active: boolean;
  @Moment() createdAt: string;
}

export class NewPublicLink {
  @Id() dashboardId: string;
}

export class PublicLinkQuery extends ListQuery {
  @Id({ optional: true }) dashboardId?: string;
  @PersonFilter('Id of the user who created it, or `me`.') createdById?: string;
}

export const publicLinks = resource({
  service,
  path: '/v1/public-links',
  access: OWNED,
  noun: 'a public link to a dashboard',
  plural: 'public links to dashboards',
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
  summary: 'Read the public page of a dashboard',
  answer: PublicDashboard,
  access: 'public',
  errors: ['not-found'],
});
