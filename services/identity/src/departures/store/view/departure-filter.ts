import type { EntityManager } from '@mikro-orm/postgresql';
import type { DepartureQuery } from '#libs/contracts';
import type { Sorting } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import { hasText } from '../../../user-list/user-text.js';

/** Only departures in these states have a service that has not finished. */
const UNFINISHED = sql`d.status in ('running', 'failed')`;
const OF_UNFINISHED: readonly string[] = ['pending', 'running', 'failed'];

/** With more matches than these, a list finds them soon in its own order. With fewer, it looks for their departures. */
const FEW_PEOPLE = 1_000;

/**
 * The condition of a list of the account's departures. Each filter has an index (migration `0103-lists`).
 * @param people the condition of `q`
 */
export function departureFilter(
  accountId: string,
  query: DepartureQuery,
  people: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const { userId, status, transition, requestedBy, from, to, failedRule } = query;
  const conditions = [sql`d.account_id = ${accountId}`, people];
  if (userId) conditions.push(sql`d.user_id = ${userId}`);
  if (status) conditions.push(sql`d.status = ${status}`);
  if (transition) conditions.push(sql`d.transition = ${transition}`);
  if (requestedBy) conditions.push(sql`d.requested_by = ${requestedBy}`);
  if (from) conditions.push(sql`d.requested_at >= ${from}::timestamptz`);
  if (to) conditions.push(sql`d.requested_at < ${to}::timestamptz`);
  if (query.service || query.serviceStatus) conditions.push(hasService(query));
  if (failedRule) conditions.push(sql`${UNFINISHED} and ${hasFailed(failedRule)}`);
  return sql.join(conditions, sql` and `);
}

/** The condition of departures of people with this text. */
export async function ofPeopleWith(em: EntityManager, accountId: string, text: string): Promise<RawBuilder<unknown>> {
  const people = sql<{ id: string }>`select u.id from users u where u.account_id = ${accountId} and ${hasText(text)}`;
  const { rows } = await sql<{ id: string }>`${people} limit ${FEW_PEOPLE + 1}`.execute(em.getKysely());
  if (rows.length > FEW_PEOPLE) return sql`d.user_id in (${people})`;
  return sql`d.user_id = any(${rows.map((row) => row.id)}::uuid[])`;
}

function hasService({ service, serviceStatus }: DepartureQuery): RawBuilder<unknown> {
  const conditions = [sql`s.departure_id = d.id`];
  if (service) conditions.push(sql`s.service = ${service}`);
  if (serviceStatus) conditions.push(sql`s.status = ${serviceStatus}`);
  const found = sql`exists (select from departure_service s where ${sql.join(conditions, sql` and `)})`;
  return serviceStatus && OF_UNFINISHED.includes(serviceStatus) ? sql`${UNFINISHED} and ${found}` : found;
}

/** The rule is not finished because of a failure, or the proof has found rows of it. */
const hasFailed = (rule: string) => sql`exists (
  select from departure_service s where s.departure_id = d.id and s.status in ('running', 'failed') and (
    s.failure ->> 'rule' = ${rule} or exists (
      select from jsonb_array_elements(s.rules) line where line ->> 'rule' = ${rule}
        and (line ? 'failure' or (line ->> 'remaining')::float8 > 0))))`;

const id = sql`d.id`;

const sortings = (name: 'requestedAt' | 'effectiveAt', of: RawBuilder<unknown>): Record<string, Sorting> => {
  const sorting: Sorting = { parts: [{ kind: 'moment', of }], id };
  return { [name]: sorting, [`-${name}`]: { ...sorting, descending: true } };
};

const SORTINGS = { ...sortings('requestedAt', sql`d.requested_at`), ...sortings('effectiveAt', sql`d.effective_at`) };

/**
 * The order of the list. Undefined for the default one, by id: ids sort by the time of the request. A range of times is found
 * only in the order of these times.
 */
export const sortingOf = ({ sort, from, to }: DepartureQuery): Sorting | undefined =>
  sort || from || to ? SORTINGS[sort ?? '-requestedAt'] : undefined;
