import {
  filters,
  type Call,
  type FilterChanges,
  type FilterCondition as FilterConditionAnswer,
  type NewFilter,
} from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Controller } from '@nestjs/common';
import { readConditions, sameCondition, type Condition } from './conditions.js';
import { Filter, FilterCondition, type FilterRow } from './filter.entity.js';

const base = plainResource(filters, {
  entity: Filter,
  shown: ['name', 'visibility', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
  team: () => ({ visibility: 'public' }),
});

type NewRow = Partial<FilterRow> & { conditions: readonly Condition[] };

@Controller()
export class FilterController extends base {
  override async prepare({ body }: Call): Promise<NewRow> {
    const { name, visibility = 'private', conditions = [] } = body as NewFilter;
    return { name, visibility, conditions: readConditions(conditions) };
  }

  override async insert(call: Pick<Call, 'principal'>, { conditions, ...values }: NewRow): Promise<FilterRow> {
    const { accountId, userId } = call.principal;
    // All users in one call, so that they are locked in the same order as by a departure.
    await this.directory.requireActive(accountId, [userId, ...conditions.map((condition) => condition.userId)]);
    const filter = await super.insert(call, values);
    await this.write(filter, conditions);
    return filter;
  }

  /** All users in one call, for the same reason. */
  override async prepareChange(filter: FilterRow, call: Call<FilterChanges>): Promise<void> {
    const { ownerId, conditions = [] } = call.body;
    const named = readConditions(conditions).map(({ userId }) => userId);
    await this.directory.lockAndFindLeft(filter.accountId, [ownerId, ...named]);
    await super.prepareChange(filter, call);
  }

  override async change(filter: FilterRow, call: Call<FilterChanges>): Promise<void> {
    const { conditions, ...changes } = call.body;
    await super.change(filter, { ...call, body: changes });
    if (conditions) await this.replace(filter, readConditions(conditions));
  }

  /** Only new conditions are checked for users who have left. */
  private async replace(filter: FilterRow, wanted: readonly Condition[]): Promise<void> {
    const former = await this.em.find(FilterCondition, { filterId: filter.id });
    const added = wanted.filter((condition) => !former.some((old) => sameCondition(condition, old as Condition)));
    await this.directory.requireActive(
      filter.accountId,
      added.map(({ userId }) => userId),
    );
    await this.em.nativeDelete(FilterCondition, { filterId: filter.id });
    await this.write(filter, wanted);
  }

  private async write({ id: filterId }: FilterRow, conditions: readonly Condition[]): Promise<void> {
    for (const condition of conditions)
      this.em.create(FilterCondition, { ...condition, id: this.ids.next(), filterId });
    await this.em.flush();
  }

  override async present(rows: readonly FilterRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    const conditions = await this.conditionsOf(rows);
    return answers.map((answer, index) => {
      const its = conditions.get(rows[index]!.id)!;
      return { ...answer, conditions: its, matchesNobody: its.some(({ matchesNobody }) => matchesNobody) };
    });
  }

  private async conditionsOf(rows: readonly FilterRow[]): Promise<Map<string, FilterConditionAnswer[]>> {
    const found = await this.em.find(
      FilterCondition,
      { filterId: { $in: rows.map(({ id }) => id) } },
      { orderBy: { id: 'asc' } },
    );
    const views = await this.directory.views(found.map(({ userId }) => userId));
    const byFilter = new Map(rows.map(({ id }) => [id, new Array<FilterConditionAnswer>()]));
    for (const { filterId, field, op, value = null, userId = null } of found) {
      const user = (userId && views.get(userId)) || null;
      const matchesNobody = user?.status === 'deleted';
      byFilter.get(filterId)!.push({ field, op, value: userId ?? value, user, matchesNobody });
    }
    return byFilter;
  }
}
