import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { FilterField, FilterOp, Visibility } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

export const Filter = defineEntity({
  name: 'Filter',
  tableName: 'filter',
  properties: {
    ...tenantRow(),
    name: p.text(),
    visibility: p.text().$type<Visibility>(),
    ownerId: userRef(),
    createdAt: p.datetime(),
  },
});
export type FilterRow = InferEntity<typeof Filter>;

/** One condition of a filter, with either a user or another value. Deleted with the filter. */
export const FilterCondition = defineEntity({
  name: 'FilterCondition',
  tableName: 'filter_condition',
  properties: {
    id: p.uuid().primary(),
    filterId: p.uuid(),
    field: p.text().$type<FilterField>(),
    op: p.text().$type<FilterOp>(),
    value: p.text().nullable(),
    userId: userRef().nullable(),
  },
});
export type FilterConditionRow = InferEntity<typeof FilterCondition>;
