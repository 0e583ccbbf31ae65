import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type ScimProjection, type ScimSearch } from '#libs/contracts';
import { etagOf, isReturned, SCIM_GROUP } from '#libs/scim';
import { sql, type RawBuilder } from 'kysely';
import { isoOf } from '../../common/moments.js';
import type { ScimMember } from './group-attributes.js';
import { offsetOf, type ScimResource } from '../responses.js';
import { caseExact, caseInsensitive, dateTime, uuid } from '../search/sql-attributes.js';
import { conditionOf, orderOf, type SqlAttribute, type SqlAttributes, type SqlValues } from '../search/sql-filter.js';

/** A user who is, or can become, a member. */
export interface ScimPerson {
  id: string;
  name: string;
}

export interface ScimGroupRow {
  id: string;
  name: string;
  external_id: string | null;
  created_at: string;
  updated_at: string;
  members: {
    /** Null when the projection leaves them out. */
    list: ScimPerson[] | null;
    /** Digest of their ids and names. */
    digest: string;
  };
}

/** Attributes of a member `m` of team `t`, who is user `u`. */
const MEMBER = new Map<string, SqlAttribute>([
  ['value', uuid(sql`m.user_id`)],
  ['display', caseInsensitive(sql`u.name`)],
  ['type', caseInsensitive(sql`'User'`)],
]);

const UPDATED_AT = sql`coalesce(t.updated_at, t.created_at)`;

/** The attributes by which groups can be filtered and sorted. */
const ATTRIBUTES: SqlAttributes = new Map<string, SqlAttribute | SqlValues>([
  ['id', uuid(sql`t.id`)],
  ['displayname', caseInsensitive(sql`t.name`)],
  ['externalid', caseExact(sql`t.external_id`)],
  ['meta.created', dateTime(sql`t.created_at`)],
  ['meta.lastmodified', dateTime(UPDATED_AT)],
  [
    'members',
    {
      some: (condition) => sql<boolean>`exists (
        select from team_member m join users u on u.id = m.user_id where m.team_id = t.id and ${condition})`,
      subAttributes: MEMBER,
      single: false,
    },
  ],
]);

/** Reads teams as SCIM shows them. */
@Injectable()
export class ScimGroupRows {
  constructor(private readonly em: EntityManager) {}

  /** @throws Problem `validation` with `invalidFilter`, or with `invalidPath` for `sortBy` */
  async search(accountId: string, query: ScimSearch): Promise<{ total: number; rows: ScimGroupRow[] }> {
    const filter = query.filter === undefined ? sql`true` : conditionOf(query.filter, ATTRIBUTES);
    const order = orderOf(query, ATTRIBUTES);
    const where = sql`t.account_id = ${accountId} and ${filter}`;
    const counted = await sql<{ total: number }>`select count(*)::int as total from team t where ${where}`.execute(
      this.em.getKysely(),
    );
    const total = counted.rows[0]!.total;
    if (query.count === 0) return { total, rows: [] };
    const page = sql`order by ${order}, t.id limit ${query.count} offset ${offsetOf(query.startIndex)}`;
    return { total, rows: await this.select(sql`${where} ${page}`, query.view) };
  }

  /** @throws Problem `not-found`, also for a team of another account */
  async get(accountId: string, id: string, projection: ScimProjection): Promise<ScimGroupRow> {
    const [row] = await this.select(sql`t.account_id = ${accountId} and t.id = ${id}`, projection);
    if (!row) throw new Problem('not-found', { detail: 'There is no such group.' });
    return row;
  }

  /** Keeps others from renaming the team and from changing its members until the transaction ends. */
  async lock(accountId: string, id: string): Promise<void> {
    await sql`select id from team where account_id = ${accountId} and id = ${id} for update`.execute(
      this.em.getKysely(),
    );
  }

  async memberIds(id: string): Promise<string[]> {
    const { rows } = await sql<{ user_id: string }>`select user_id from team_member where team_id = ${id}`.execute(
      this.em.getKysely(),
    );
    return rows.map((row) => row.user_id);
  }

  /** Returns the users of the account with these ids. */
  async people(accountId: string, ids: readonly string[]): Promise<ScimPerson[]> {
    const { rows } = await sql<ScimPerson>`
      select id, name from users where account_id = ${accountId} and id = any(${[...ids]}::uuid[])`.execute(
      this.em.getKysely(),
    );
    return rows;
  }

  private async select(where: RawBuilder<unknown>, projection: ScimProjection): Promise<ScimGroupRow[]> {
    const { rows } = await sql<ScimGroupRow>`
      select t.id, t.name, t.external_id, t.created_at, ${UPDATED_AT} as updated_at,
        (select jsonb_build_object(
            'list', ${isReturned('members', projection) ? sql`m.list` : sql`null::jsonb`},
            'digest', encode(sha256(convert_to(m.list::text, 'UTF8')), 'hex'))
          from (
            select coalesce(jsonb_agg(jsonb_build_object('id', u.id, 'name', u.name) order by u.id), '[]') as list
            from team_member m join users u on u.id = m.user_id where m.team_id = t.id) m) as members
      from team t where ${where}`.execute(this.em.getKysely());
    return rows;
  }
}

/** @param baseUrl without it `$ref` is left out, which the gateway adds */
export const toMember = ({ id, name }: ScimPerson, baseUrl?: string): ScimMember => ({
  value: id,
  display: name,
  type: 'User',
  ...(baseUrl !== undefined && { $ref: `${baseUrl}/Users/${id}` }),
});

export function toScimGroup(row: ScimGroupRow): ScimResource {
  const group = {
    schemas: [SCIM_GROUP],
    id: row.id,
    ...(row.external_id !== null && { externalId: row.external_id }),
    displayName: row.name,
  };
  const meta = { resourceType: 'Group', created: isoOf(row.created_at), lastModified: isoOf(row.updated_at) };
  return {
    ...group,
    ...(row.members.list && { members: row.members.list.map((one) => toMember(one)) }),
    meta: { ...meta, version: etagOf([group, row.members.digest, meta]) },
  };
}
