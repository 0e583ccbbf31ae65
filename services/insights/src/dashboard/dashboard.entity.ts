import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

export const Dashboard = defineEntity({
  name: 'Dashboard',
  tableName: 'dashboard',
  properties: {
    ...tenantRow(),
    name: p.text(),
    ownerId: userRef(),
    shared: p.boolean(),
    layout: p.json<Record<string, unknown>>(),
    createdAt: p.datetime(),
  },
});
export type DashboardRow = InferEntity<typeof Dashboard>;

/** A link that shows a dashboard to anyone who has it, while it is active. */
export const PublicLink = defineEntity({
  name: 'PublicLink',
  tableName: 'public_link',
  properties: {
    ...tenantRow(),
    dashboardId: p.uuid(),
    createdById: userRef(),
    token: p.text(),
    active: p.boolean(),
    createdAt: p.datetime(),
  },
});
export type PublicLinkRow = InferEntity<typeof PublicLink>;
