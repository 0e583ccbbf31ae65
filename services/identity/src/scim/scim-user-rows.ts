import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, SCIM_ENTERPRISE_USER, type ScimSearch, type UserStatus } from '#libs/contracts';
import { sql, type RawBuilder } from 'kysely';
import { offsetOf } from './answers.js';
import { scimProblem } from './faults.js';
import { exact, flag, identifier, moment, words } from './filter-attributes.js';
import { whereOf, type Attribute } from './filter.js';

export interface ScimUserRow {
  id: string;
  user_name: string;
  email: string;
  name: string;
  scim_name: string | null;
  external_id: string | null;
  staff_id: string;
  status: UserStatus;
  seq: number;
  created_at: string;
  updated_at: string;
  teams: { id: string; name: string }[];
}

const USER_NAME = sql`coalesce(u.user_name, u.email)`;
/** Parts of the name as they are shown: `partsGuessed` does the same. */
const GIVEN_NAME = sql`case when u.scim_name is null then substring(u.name from '^([^ ]+) +[^ ]')
  else u.scim_name::jsonb ->> 'givenName' end`;
const FAMILY_NAME = sql`case when u.scim_name is null then substring(u.name from '^[^ ]+ +([^ ].*)$')
  else u.scim_name::jsonb ->> 'familyName' end`;
const IS_ACTIVE = sql`u.status in ('invited', 'active')`;

/** By what users can be found and sorted, and how. */
const COLUMNS: readonly (readonly [string, RawBuilder<unknown>, (column: RawBuilder<unknown>) => Attribute])[] = [
  ['id', sql`u.id`, identifier],
  ['username', USER_NAME, words],
  ['externalid', sql`u.external_id`, exact],
  ['displayname', sql`u.name`, words],
  ['name.givenname', GIVEN_NAME, words],
  ['name.familyname', FAMILY_NAME, words],
  ['emails', sql`u.email`, words],
  ['emails.value', sql`u.email`, words],
  ['emails.type', sql`'work'`, words],
  ['emails.primary', sql`true`, flag],
  ['active', IS_ACTIVE, flag],
  ['meta.created', sql`u.created_at`, moment],
  ['meta.lastmodified', sql`u.updated_at`, moment],
  [`${SCIM_ENTERPRISE_USER.toLowerCase()}:employeenumber`, sql`u.staff_id`, exact],
];
const ATTRIBUTES = new Map(COLUMNS.map(([path, column, kind]) => [path, kind(column)]));

/** Reads users as SCIM shows them. For a SCIM client deleted users are gone. */
@Injectable()
export class ScimUserRows {
  constructor(private readonly em: EntityManager) {}

  /** @throws Problem `validation` with `invalidFilter` or, for an order that there is not, `invalidPath` */
  async search(accountId: string, query: ScimSearch): Promise<{ total: number; rows: ScimUserRow[] }> {
    const order = orderOf(query);
    const where = sql`u.account_id = ${accountId} and u.status <> 'deleted' and ${conditionOf(query)}`;
    const counted = await sql<{ total: number }>`select count(*)::int as total from users u where ${where}`.execute(
      this.em.getKysely(),
    );
    const total = counted.rows[0]!.total;
    if (query.count === 0) return { total, rows: [] };
    const page = sql`limit ${query.count} offset ${offsetOf(query.startIndex)}`;
    return { total, rows: await this.select(sql`${where} order by ${order} ${page}`) };
  }

  /** @throws Problem `not-found`, for somebody deleted and for another account's user, too */
  async get(accountId: string, id: string): Promise<ScimUserRow> {
    const [row] = await this.select(sql`u.account_id = ${accountId} and u.status <> 'deleted' and u.id = ${id}`);
    if (!row) throw new Problem('not-found', { detail: 'There is no such user.' });
    return row;
  }

  /** Who is known by this external id, or else by this user name. */
  async known(accountId: string, externalId: string | null, userName: string): Promise<ScimUserRow | undefined> {
    const [row] = await this.select(sql`
      u.account_id = ${accountId} and u.status <> 'deleted'
      and (u.external_id = ${externalId} or lower(${USER_NAME}) = lower(${userName}::text))
      order by u.external_id = ${externalId} desc nulls last limit 1`);
    return row;
  }

  private async select(where: RawBuilder<unknown>): Promise<ScimUserRow[]> {
    const { rows } = await sql<ScimUserRow>`
      select u.id, ${USER_NAME} as user_name, u.email, u.name, u.scim_name, u.external_id, u.staff_id, u.status, u.seq::float8,
        u.created_at, u.updated_at,
        (select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name) order by t.id), '[]')
          from team_member m join team t on t.id = m.team_id where m.user_id = u.id) as teams
      from users u where ${where}`.execute(this.em.getKysely());
    return rows;
  }
}

/** Which users, of alias `u`, a filter means. @throws Problem `validation` with `invalidFilter` */
export const conditionOf = ({ filter }: Pick<ScimSearch, 'filter'>): RawBuilder<unknown> =>
  filter === undefined ? sql`true` : whereOf(filter, ATTRIBUTES);

function orderOf({ sortBy, descending = false }: ScimSearch): RawBuilder<unknown> {
  if (sortBy === undefined) return sql`u.id`;
  const [, column, kind] = COLUMNS.find(([path]) => path === sortBy.toLowerCase()) ?? [];
  if (!column) throw scimProblem('invalidPath', 'Users are not sorted by this attribute.');
  const direction = descending ? sql`desc nulls first` : sql`asc nulls last`;
  return sql`${kind === words ? sql`lower(${column})` : column} ${direction}, u.id`;
}
