import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { isUuid, Problem, type ScimSearch, type UserStatus } from '#libs/contracts';
import { SCIM_ENTERPRISE_USER } from '#libs/scim';
import { sql, type RawBuilder } from 'kysely';
import { offsetOf } from '../responses.js';
import { boolean, caseExact, caseInsensitive, dateTime, uuid } from '../search/sql-attributes.js';
import { conditionOf, orderOf, type SqlAttribute, type SqlAttributes, type SqlValues } from '../search/sql-filter.js';

export interface ScimUserRow {
  id: string;
  user_name: string;
  email: string;
  name: string;
  scim_name: string | null;
  external_id: string | null;
  staff_id: string;
  status: UserStatus;
  active: boolean;
  /** Whether `active: false` suspends the user. */
  suspends: boolean;
  seq: number;
  created_at: string;
  updated_at: string;
  is_owner: boolean;
  teams: { id: string; name: string }[];
  manager: { id: string; name: string } | null;
}

const USER_NAME = sql`coalesce(u.user_name, u.email)`;
/** Parts of the displayed name. `splitName` does the same in TypeScript. */
const GIVEN_NAME = sql`case when u.scim_name is null then substring(u.name from '^([^ ]+) +[^ ]')
  else u.scim_name::jsonb ->> 'givenName' end`;
const FAMILY_NAME = sql`case when u.scim_name is null then substring(u.name from '^[^ ]+ +([^ ].*)$')
  else u.scim_name::jsonb ->> 'familyName' end`;
/** Whether `active: false` suspends users of the account. Then suspended users are not active; otherwise a suspension is not shown. */
const SUSPENDS = sql`exists (select from account a where a.id = u.account_id and a.scim_inactive = 'suspend')`;
const IS_ACTIVE = sql`u.status in ('invited', 'active') and (u.suspended_at is null or not ${SUSPENDS})`;
/** Every user has exactly one address. */
const EMAIL = new Map<string, SqlAttribute>([
  ['value', caseInsensitive(sql`u.email`)],
  ['type', caseInsensitive(sql`'work'`)],
  ['primary', boolean(sql`true`)],
]);

/** The attributes by which users can be filtered and sorted. */
const ATTRIBUTES: SqlAttributes = new Map<string, SqlAttribute | SqlValues>([
  ['id', uuid(sql`u.id`)],
  ['username', caseInsensitive(USER_NAME)],
  ['externalid', caseExact(sql`u.external_id`)],
  ['displayname', caseInsensitive(sql`u.name`)],
  ['name.givenname', caseInsensitive(GIVEN_NAME)],
  ['name.familyname', caseInsensitive(FAMILY_NAME)],
  ['emails', { some: (condition) => condition, subAttributes: EMAIL, single: true }],
  ['active', boolean(IS_ACTIVE)],
  ['meta.created', dateTime(sql`u.created_at`)],
  ['meta.lastmodified', dateTime(sql`u.updated_at`)],
  [`${SCIM_ENTERPRISE_USER.toLowerCase()}.employeenumber`, caseExact(sql`u.staff_id`)],
  [`${SCIM_ENTERPRISE_USER.toLowerCase()}.manager.value`, uuid(sql`u.manager_id`)],
]);

/** Reads users for SCIM, without deleted ones. */
@Injectable()
export class ScimUserRows {
  constructor(private readonly em: EntityManager) {}

  /** @throws Problem `validation` with `invalidFilter`, or with `invalidPath` for `sortBy` */
  async search(accountId: string, query: ScimSearch): Promise<{ total: number; rows: ScimUserRow[] }> {
    const order = orderOf(query, ATTRIBUTES);
    const where = sql`u.account_id = ${accountId} and u.status <> 'deleted' and ${filterCondition(query)}`;
    const counted = await sql<{ total: number }>`select count(*)::int as total from users u where ${where}`.execute(
      this.em.getKysely(),
    );
    const total = counted.rows[0]!.total;
    if (query.count === 0) return { total, rows: [] };
    const page = sql`limit ${query.count} offset ${offsetOf(query.startIndex)}`;
    return { total, rows: await this.select(sql`${where} order by ${order}, u.id ${page}`) };
  }

  /** @throws Problem `not-found`, also for a deleted user and for a user of another account */
  async get(accountId: string, id: string): Promise<ScimUserRow> {
    const [row] = await this.select(sql`u.account_id = ${accountId} and u.status <> 'deleted' and u.id = ${id}`);
    if (!row) throw new Problem('not-found', { detail: 'There is no such user.' });
    return row;
  }

  /** Returns the user with this external id, or otherwise with this user name. */
  async findExisting(accountId: string, externalId: string | null, userName: string): Promise<ScimUserRow | undefined> {
    const [row] = await this.select(sql`
      u.account_id = ${accountId} and u.status <> 'deleted'
      and (u.external_id = ${externalId} or fold_case(${USER_NAME}) = fold_case(${userName}::text))
      order by u.external_id = ${externalId} desc nulls last limit 1`);
    return row;
  }

  /**
   * The id of the user of the account whom a provider means: by id, or else by user name, external id, staff id or email.
   * Undefined if there is none, or several.
   */
  async idOf(accountId: string, named: string): Promise<string | undefined> {
    const folded = sql`fold_case(${named}::text)`;
    const { rows } = await sql<{ id: string }>`
      select u.id from users u where u.account_id = ${accountId} and u.status <> 'deleted'
        and (u.id = ${isUuid(named.toLowerCase()) ? named : null}::uuid or u.external_id = ${named} or u.staff_id = ${named}
          or fold_case(${USER_NAME}) = ${folded} or fold_case(u.email) = ${folded})
      order by u.id limit 2`.execute(this.em.getKysely());
    return rows.length === 1 ? rows[0]!.id : undefined;
  }

  private async select(where: RawBuilder<unknown>): Promise<ScimUserRow[]> {
    const { rows } = await sql<ScimUserRow>`
      select u.id, ${USER_NAME} as user_name, u.email, u.name, u.scim_name, u.external_id, u.staff_id, u.status, u.seq::float8,
        (${IS_ACTIVE}) as active, ${SUSPENDS} as suspends,
        u.created_at, u.updated_at,
        exists (select from user_role r where r.user_id = u.id and r.role = 'owner') as is_owner,
        (select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'name', t.name) order by t.id), '[]')
          from team_member m join team t on t.id = m.team_id where m.user_id = u.id) as teams,
        (select jsonb_build_object('id', b.id, 'name', b.name) from users b where b.id = u.manager_id and b.status <> 'deleted') as manager
      from users u where ${where}`.execute(this.em.getKysely());
    return rows;
  }
}

/** The condition of a filter on users, whose alias is `u`. @throws Problem `validation` with `invalidFilter` */
export const filterCondition = ({ filter }: Pick<ScimSearch, 'filter'>): RawBuilder<unknown> =>
  filter === undefined ? sql`true` : conditionOf(filter, ATTRIBUTES);
