import { Flag, Id, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

export const APP_STATUSES = ['installed', 'uninstalled'] as const;
export type AppStatus = (typeof APP_STATUSES)[number];

export class NewApp {
  @Text({ about: 'The id of the app in the marketplace.' }) appId: string;
  @Id({ optional: true, about: 'Default: the signed-in user.' }) installedBy?: string;
  @Flag({ optional: true, about: 'Whether all users of the account can use it, or only the one who installed it.' })
  shared?: boolean;
  @Text({ optional: true, max: 8000, about: 'The token that the app was granted. Stored encrypted and never shown.' })
  accessToken?: string;
}

export class AppChanges {
  @Id({
    optional: true,
    about:
      'Hands it over to this user, on whose behalf it then acts. It keeps its access token, which nobody is shown.',
  })
  installedBy?: string;
}

export class App {
  @Id() id: string;
  @Text() appId: string;
  @Nested(() => UserView) installedBy: UserView;
  @Flag() shared: boolean;
  @OneOf(APP_STATUSES, { about: 'An uninstalled app has no access token.' }) status: AppStatus;
  @Moment() createdAt: string;
  @Moment({ nullable: true }) uninstalledAt: string | null;
}

export class AppQuery extends ListQuery {
  @PersonFilter('Id of the user who installed it, or `me`.') installedBy?: string;
  @Flag({ optional: true }) shared?: boolean;
  @OneOf(APP_STATUSES, { optional: true, about: 'Default: `installed`.' }) status?: AppStatus;
}

export const apps = resource({
  service: 'integrations',
  path: '/v1/apps',
  access: {
    create: 'signed-in',
    list: 'signed-in',
    get: 'record-owner-or-manager',
    remove: 'record-owner-or-manager',
    update: 'record-owner-or-manager',
  },
  noun: 'an installed app',
  plural: 'installed apps',
  thing: App,
  create: NewApp,
  query: AppQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: AppChanges,
  updateSummary: 'Hand an installed app over to another user',
  updateErrors: ['forbidden', 'conflict', 'unknown-user', 'inactive-user'],
});
