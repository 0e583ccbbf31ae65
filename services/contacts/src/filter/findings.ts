import type { EntityManager, InferEntity } from '@mikro-orm/postgresql';
import type { Call, FilterField, ListQuery, NoBody, Page } from '#libs/contracts';
import { pageWindow, toPage, type AnyEntity, type Clock, type Directory } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import { Contact } from '../contact/contact.entity.js';
import { CrmRecord } from '../record/record.entity.js';
import { FilterCondition, type FilterConditionRow } from './filter.entity.js';
import { visibleFilter } from './visible.js';

type Sql = RawBuilder<unknown>;

/** The table and column of each field. */
const COLUMNS: Readonly<Record<FilterField, readonly ['contact' | 'record', string]>> = {
  name: ['contact', 'name'],
  phone: ['contact', 'phone'],
  email: ['contact', 'email'],
  externalId: ['contact', 'external_id'],
  assignee: ['contact', 'assignee'],
  type: ['record', 'type'],
  title: ['record', 'title'],
  ownerId: ['record', 'owner_id'],
};

const LINKS = {
  contact: { other: 'record', on: sql`o.contact_id = t.id` },
  record: { other: 'contact', on: sql`o.id = t.contact_id` },
} as const;

interface Sources {
  em: EntityManager;
  directory: Directory;
  clock: Clock;
}

/**
 * Returns the contacts or records that match a filter, newest first. Conditions on the other kind must all hold for one
 * row that is linked to the result, for example for one record of a contact.
 * @throws Problem `not-found` if the filter is not visible to the caller
 */
export async function findings<E extends typeof Contact | typeof CrmRecord>(
  { em, directory, clock }: Sources,
  call: Call<NoBody, ListQuery>,
  entity: E,
): Promise<Page<InferEntity<E>>> {
  const filter = await visibleFilter(em, call, clock.now());
  const conditions = await em.find(FilterCondition, { filterId: filter.id });
  if (await namesADeletedUser(directory, conditions)) return { items: [], nextCursor: null };
  const table = entity === Contact ? 'contact' : 'record';
  const { limit, before } = pageWindow(call.query);
  const { rows } = await sql<{ id: string }>`
    select t.id from ${sql.table(table)} t where t.account_id = ${filter.accountId} and ${fits(table, conditions)}
      and ${before ? sql`t.id < ${before}::uuid` : sql`true`}
    order by t.id desc limit ${limit + 1}`.execute(em.getKysely());
  const found = await em.find<object>(
    entity as AnyEntity,
    { id: { $in: rows.map(({ id }) => id) } },
    {
      orderBy: { id: 'desc' } as never,
    },
  );
  return toPage(found as InferEntity<E>[], call.query);
}

/** A filter that names a deleted user matches nothing. */
async function namesADeletedUser(directory: Directory, conditions: readonly FilterConditionRow[]): Promise<boolean> {
  const views = await directory.views(conditions.map(({ userId }) => userId));
  return [...views.values()].some(({ status }) => status === 'deleted');
}

function fits(table: keyof typeof LINKS, conditions: readonly FilterConditionRow[]): Sql {
  const { other, on } = LINKS[table];
  const its = conditions.filter(({ field }) => COLUMNS[field][0] === table).map((one) => holds('t', one));
  const others = conditions.filter(({ field }) => COLUMNS[field][0] === other).map((one) => holds('o', one));
  if (others.length > 0)
    its.push(sql`exists (select 1 from ${sql.table(other)} o where ${on} and ${sql.join(others, sql` and `)})`);
  return its.length > 0 ? sql.join(its, sql` and `) : sql`true`;
}

function holds(alias: 't' | 'o', { field, op, value, userId }: FilterConditionRow): Sql {
  const column = sql.ref(`${alias}.${COLUMNS[field][1]}`);
  if (op === 'is-empty') return sql`(${column} is null or ${column}::text = '')`;
  if (op === 'contains') return sql`strpos(fold_case(${column}), fold_case(${value})) > 0`;
  const [left, right] = userId ? [column, sql`${userId}::uuid`] : [sql`fold_case(${column})`, sql`fold_case(${value})`];
  return op === 'is' ? sql`${left} = ${right}` : sql`${left} is distinct from ${right}`;
}
