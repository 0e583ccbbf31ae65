import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { InsightFilterOp } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

export const InsightFilter = defineEntity({
  name: 'InsightFilter',
  tableName: 'insight_filter',
  properties: {
    ...tenantRow(),
    name: p.text(),
    createdAt: p.datetime(),
  },
});
export type InsightFilterRow = InferEntity<typeof InsightFilter>;

/** Compares a field with a user or with a value. */
export const InsightFilterCondition = defineEntity({
  name: 'InsightFilterCondition',
  tableName: 'insight_filter_condition',
  properties: {
    ...tenantRow(),
    filterId: p.uuid(),
    field: p.text(),
    op: p.text().$type<InsightFilterOp>(),
    userId: userRef().nullable(),
    value: p.text().nullable(),
  },
});
