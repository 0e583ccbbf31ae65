import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { AppStatus } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

export const App = defineEntity({
  name: 'App',
  tableName: 'app',
  properties: {
    ...tenantRow(),
    appId: p.text(),
    installedBy: userRef(),
    shared: p.boolean(),
    status: p.text().$type<AppStatus>(),
    /** Encrypted; null if no token was granted and once the app is uninstalled. */
    accessToken: p.text().nullable(),
    createdAt: p.datetime(),
    /** When it was handed over to its present user. */
    grantedAt: p.datetime().nullable(),
    uninstalledAt: p.datetime().nullable(),
  },
});
export type AppRow = InferEntity<typeof App>;
