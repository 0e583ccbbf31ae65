import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type LeavingTransition, type UserQuery, type UserStatus } from '#libs/contracts';
import { Clock, pageWindow, sortedWindow, type Sorting, type SortPart } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import { hasText } from './user-text.js';

/** A user's place in a list, with the departure that the list is about. */
export interface UserPlace {
  id: string;
  /** For the cursor of the page that ends here. */
  position: string;
  /** Null unless the list is of users who are leaving. */
  departure_id: string | null;
  transition: LeavingTransition | null;
  effective_at: string | null;
}

const DAY_MS = 86_400_000;

const LEFT: readonly UserStatus[] = ['deactivated', 'deleted'];
const STATUSES: Record<NonNullable<UserQuery['status']>, readonly UserStatus[] | null> = {
  active: ['active', 'invited'],
  deactivated: ['deactivated'],
  deleted: ['deleted'],
  all: null,
};

/** Finds the users of a list, in its order. Each filter and each order has an index (migrations `0102` and `0103`). */
@Injectable()
export class UserPlaces {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /**
   * @param limit how many to find at most
   * @throws Problem `invalid-cursor`; `validation` for a sort that the filters do not allow
   */
  async find(accountId: string, query: UserQuery, limit: number): Promise<UserPlace[]> {
    const { after, order, position } = windowOf(query);
    const conditions = [sql`u.account_id = ${accountId}`, after, ...conditionsOf(query)];
    const leaving = query.leavingWithin === undefined ? undefined : this.leaving(accountId, query.leavingWithin);
    const { rows } = await sql<UserPlace>`
      select u.id, ${position} as position, ${leaving ? LEAVING : NOT_LEAVING}
      from users u ${leaving ?? sql``} where ${sql.join(conditions, sql` and `)}
      order by ${order} limit ${limit}`.execute(this.em.getKysely());
    return rows;
  }

  /** The first scheduled departure of each user who leaves within this time. */
  private leaving(accountId: string, within: string): RawBuilder<unknown> {
    const until = new Date(this.clock.millis() + parseInt(within, 10) * DAY_MS);
    return sql`join (
      select distinct on (d.user_id) d.user_id, d.id, d.transition, d.effective_at from departure d
      where d.account_id = ${accountId} and d.status = 'scheduled' and d.transition in ('deactivated', 'deleted')
        and d.effective_at <= ${until}
      order by d.user_id, d.effective_at, d.id
    ) l on l.user_id = u.id`;
  }
}

const LEAVING = sql`l.id as departure_id, l.transition, l.effective_at`;
const NOT_LEAVING = sql`null as departure_id, null as transition, null as effective_at`;

function conditionsOf({ status, left, q, role, invited, suspended }: UserQuery): RawBuilder<unknown>[] {
  const conditions: RawBuilder<unknown>[] = [];
  const statuses = STATUSES[status ?? (left === undefined ? 'active' : 'all')];
  if (statuses) conditions.push(sql`u.status = any(${[...statuses]}::text[])`);
  // Written as in the index of users who have left.
  if (left === true) conditions.push(sql`u.status in ('deactivated', 'deleted')`);
  if (left === false) conditions.push(sql`u.status <> all(${[...LEFT]}::text[])`);
  if (role) conditions.push(sql`exists (select from user_role r where r.user_id = u.id and r.role = ${role})`);
  if (invited !== undefined) conditions.push(invited ? sql`u.status = 'invited'` : sql`u.status <> 'invited'`);
  if (suspended !== undefined)
    conditions.push(suspended ? sql`u.suspended_at is not null` : sql`u.suspended_at is null`);
  if (q) conditions.push(hasText(q));
  return conditions;
}

const id = sql`u.id`;
const NAME: readonly SortPart[] = [
  { kind: 'flag', of: sql`(u.name is null)` },
  { kind: 'text', of: sql`coalesce(left(fold_case(u.name), 75), '')` },
];
const STATUS: readonly SortPart[] = [{ kind: 'text', of: sql`u.status` }];
const DAY_OF_LEAVING: readonly SortPart[] = [{ kind: 'moment', of: sql`l.effective_at` }];
const DAY_LEFT: readonly SortPart[] = [
  { kind: 'moment', of: sql`coalesce(u.deactivated_at, u.deleted_at, u.created_at)` },
];

function windowOf(query: UserQuery): Pick<ReturnType<typeof sortedWindow>, 'after' | 'order' | 'position'> {
  const sorting = sortingOf(query);
  if (sorting) return sortedWindow(query, sorting);
  const { before } = pageWindow(query);
  return {
    after: before ? sql`u.id < ${before}::uuid` : sql`true`,
    order: sql`u.id desc`,
    position: sql`u.id::text`,
  };
}

/** Undefined for the default order, newest first. */
function sortingOf({ sort, leavingWithin, left }: UserQuery): Sorting | undefined {
  if (sort === undefined) return undefined;
  const descending = sort.startsWith('-');
  const by = (parts: readonly SortPart[]): Sorting => ({ parts, id, descending });
  switch (sort) {
    case 'name':
    case '-name':
      return by(NAME);
    case 'status':
    case '-status':
      return by(STATUS);
    case 'day':
    case '-day':
      if (leavingWithin !== undefined) return by(DAY_OF_LEAVING);
      if (left === true) return by(DAY_LEFT);
      throw new Problem('validation', {
        errors: [{ field: 'sort', message: 'sort by day needs leavingWithin or left=true' }],
      });
  }
}
