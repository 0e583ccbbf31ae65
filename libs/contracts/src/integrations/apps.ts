import { Flag, Id, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

export const APP_STATUSES = ['installed', 'uninstalled'] as const;
export type AppStatus = (typeof APP_STATUSES)[number];

export class NewApp {
  @Text({ about: 'Which app of the marketplace.' }) appId: string;
  @Id({ optional: true, about: 'The caller unless given.' }) installedBy?: string;
  @Flag({ optional: true, about: 'Everybody in the account uses it; otherwise only who installed it.' })
  shared?: boolean;
  @Text({ optional: true, max: 8000, about: 'What the app was granted. Kept encrypted and never shown again.' })
  accessToken?: string;
}

export class App {
  @Id() id: string;
  @Text() appId: string;
  @Nested(() => UserView) installedBy: UserView;
  @Flag() shared: boolean;
  @OneOf(APP_STATUSES, { about: 'An uninstalled app has lost its access token.' }) status: AppStatus;
  @Moment() createdAt: string;
  @Moment({ nullable: true }) uninstalledAt: string | null;
}

export class AppQuery extends ListQuery {
  @PersonFilter('Id of who installed it, or `me`.') installedBy?: string;
  @Flag({ optional: true }) shared?: boolean;
  @OneOf(APP_STATUSES, { optional: true, about: '`installed` unless given.' }) status?: AppStatus;
}

export const apps = resource({
  service: 'integrations',
  path: '/v1/apps',
  noun: 'an installed app',
  thing: App,
  create: NewApp,
  query: AppQuery,
  errors: ['unknown-user', 'inactive-user'],
});
