import type { ObjectQuery } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import {
  insightFilters,
  Problem,
  type Call,
  type InsightFilterChanges,
  type InsightFilterQuery,
  type NewInsightFilter,
  type NewInsightFilterCondition,
  type NoBody,
} from '#libs/contracts';
import { personFields, plainResource } from '#libs/platform';
import { InsightFilter, InsightFilterCondition, type InsightFilterRow } from './insight-filter.entity.js';

const base = plainResource(insightFilters, { entity: InsightFilter, shown: ['name', 'createdAt'] });

type NewRow = Partial<InsightFilterRow> & { conditions: NewInsightFilterCondition[] };

@Controller()
export class InsightFilterController extends base {
  override async prepare({ body }: Call): Promise<NewRow> {
    const { name, conditions } = body as NewInsightFilter;
    conditions.forEach(requireOneOperand);
    return { name, conditions };
  }

  /** A filter may name a deactivated user, whose past work can still be searched, but not a deleted one. */
  override async insert(call: Pick<Call, 'principal'>, { conditions, ...values }: NewRow): Promise<InsightFilterRow> {
    const { accountId } = call.principal;
    await this.directory.requireNotDeleted(
      accountId,
      conditions.map((condition) => condition.userId),
    );
    const filter = await super.insert(call, values);
    await this.write(filter, conditions);
    return filter;
  }

  override async prepareChange({ accountId }: InsightFilterRow, { body }: Call<InsightFilterChanges>): Promise<void> {
    const { conditions = [] } = body;
    conditions.forEach(requireOneOperand);
    await this.directory.lockAndFindLeft(
      accountId,
      conditions.map(({ userId }) => userId),
    );
  }

  override async change(filter: InsightFilterRow, { body }: Call<InsightFilterChanges>): Promise<void> {
    const { name, conditions } = body;
    filter.name = name ?? filter.name;
    if (!conditions) return;
    const former = await this.em.find(InsightFilterCondition, { filterId: filter.id });
    const named = conditions.map(({ userId }) => userId).filter((id) => !former.some(({ userId }) => userId === id));
    await this.directory.requireNotDeleted(filter.accountId, named);
    await this.em.nativeDelete(InsightFilterCondition, { filterId: filter.id });
    await this.write(filter, conditions);
  }

  private async write(
    { id: filterId, accountId }: InsightFilterRow,
    conditions: readonly NewInsightFilterCondition[],
  ): Promise<void> {
    for (const { field, op, userId = null, value = null } of conditions) {
      const id = this.ids.next();
      this.em.create(InsightFilterCondition, { id, accountId, filterId, field, op, userId, value });
    }
    await this.em.flush();
  }

  override filter(call: Call<NoBody, InsightFilterQuery>): ObjectQuery<InsightFilterRow> {
    const { userId } = this.asked(call);
    if (userId === undefined) return {};
    const naming = this.em.createQueryBuilder(InsightFilterCondition).select('filterId');
    return userId === null
      ? { id: { $nin: naming.where({ userId: { $ne: null } }) } }
      : { id: { $in: naming.where({ userId }) } };
  }

  override async present(rows: readonly InsightFilterRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    const ids = rows.map((row) => row.id);
    const conditions = await this.em.find(
      InsightFilterCondition,
      { filterId: { $in: ids } },
      { orderBy: { id: 'asc' } },
    );
    const views = await this.directory.views(conditions.map((condition) => condition.userId));
    const byFilter = Map.groupBy(conditions, (condition) => condition.filterId);
    return answers.map((answer, index) => ({
      ...answer,
      conditions: (byFilter.get(ids[index]!) ?? []).map(({ field, op, userId, value }) => ({
        field,
        op,
        ...personFields('userId', userId, views),
        value: value ?? null,
      })),
    }));
  }
}

/** @throws Problem `validation` unless there is either a user or a value, and an operator that fits it */
function requireOneOperand({ op, userId, value }: NewInsightFilterCondition, index: number): void {
  const fault = (field: string, message: string) =>
    new Problem('validation', { errors: [{ field: `conditions.${index}.${field}`, message }] });
  if ((userId === undefined) === (value === undefined))
    throw fault('value', 'Give either a userId or a value, not both');
  if (userId && op !== 'is' && op !== 'is-not') throw fault('op', 'op must be `is` or `is-not` for a user');
}
