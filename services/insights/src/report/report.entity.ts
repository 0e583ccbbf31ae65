import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { Sharing } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

/** A withdrawn report keeps its list of readers, but only the owner can read it until it is shared again. */
export const Report = defineEntity({
  name: 'Report',
  tableName: 'report',
  properties: {
    ...tenantRow(),
    name: p.text(),
    ownerId: userRef(),
    definition: p.json<Record<string, unknown>>(),
    sharing: p.text().$type<Sharing>(),
    withdrawn: p.boolean(),
    createdAt: p.datetime(),
  },
});
export type ReportRow = InferEntity<typeof Report>;
