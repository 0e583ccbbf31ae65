import { Id, ListOf, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

/** How a condition compares. Users can only be compared with `is` and `is-not`. */
export const INSIGHT_FILTER_OPS = ['is', 'is-not', 'contains', 'at-least', 'at-most'] as const;
export type InsightFilterOp = (typeof INSIGHT_FILTER_OPS)[number];

export class NewInsightFilterCondition {
  @Text() field: string;
  @OneOf(INSIGHT_FILTER_OPS) op: InsightFilterOp;
  @Id({ optional: true, about: 'A user, who may be deactivated. Only with `is` and `is-not`.' }) userId?: string;
  @Text({ optional: true, about: 'Any other value to compare with. Give either this or `userId`.' }) value?: string;
}

export class NewInsightFilter {
  @Text() name: string;
  @ListOf(() => NewInsightFilterCondition, { max: 50 }) conditions: NewInsightFilterCondition[];
}

export class InsightFilterChanges {
  @Text({ optional: true }) name?: string;
  @ListOf(() => NewInsightFilterCondition, {
    optional: true,
    max: 50,
    about: 'Replaces the conditions. Those on a user who has been deleted may stay.',
  })
  conditions?: NewInsightFilterCondition[];
}

export class InsightFilterCondition {
  @Text() field: string;
  @OneOf(INSIGHT_FILTER_OPS) op: InsightFilterOp;
  @Id({ nullable: true }) userId: string | null;
  @Nested(() => UserView, { nullable: true }) user: UserView | null;
  @Text({ nullable: true }) value: string | null;
}

export class InsightFilter {
  @Id() id: string;
  @Text() name: string;
  @ListOf(() => InsightFilterCondition) conditions: InsightFilterCondition[];
  @Moment() createdAt: string;
}

export class InsightFilterQuery extends ListQuery {
  @PersonFilter('Only filters with a condition on this user: an id, `me`, or `none` for filters without users.')
  userId?: string;
}

export const insightFilters = resource({
  service: 'insights',
  path: '/v1/insight-filters',
  access: 'signed-in',
  noun: 'an insight filter',
  plural: 'insight filters',
  thing: InsightFilter,
  create: NewInsightFilter,
  query: InsightFilterQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: InsightFilterChanges,
  updateSummary: 'Change the name or the conditions of an insight filter',
  updateErrors: ['unknown-user', 'inactive-user'],
});
