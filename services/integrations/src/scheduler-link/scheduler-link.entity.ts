import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { SchedulerLinkStatus } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

export const SchedulerLink = defineEntity({
  name: 'SchedulerLink',
  tableName: 'scheduler_link',
  properties: {
    ...tenantRow(),
    slug: p.text(),
    title: p.text(),
    ownerId: userRef(),
    status: p.text().$type<SchedulerLinkStatus>(),
    createdAt: p.datetime(),
    /** When it was last activated again. */
    grantedAt: p.datetime().nullable(),
    expiredAt: p.datetime().nullable(),
  },
});
export type SchedulerLinkRow = InferEntity<typeof SchedulerLink>;
