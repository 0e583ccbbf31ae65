import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, SCIM_GROUP, type ScimObject, type ScimSearch, type ScimView } from '#libs/contracts';
import { sql, type RawBuilder } from 'kysely';
import { isoOf } from '../common/moments.js';
import { offsetOf } from './answers.js';
import { scimProblem } from './faults.js';
import { exact, identifier, words } from './filter-attributes.js';
import { notUnderstood, whereOf, type Attribute } from './filter.js';
import { wants } from './projection.js';

export interface ScimGroupRow {
  id: string;
  name: string;
  external_id: string | null;
  created_at: string;
  /** Of the name, the external id and who is a member. */
  digest: string;
  /** Null when nobody wants to know. */
  members: { id: string; name: string }[] | null;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Teams that somebody is in. */
const member: Attribute = (op, value) => {
  if (op !== 'eq') throw notUnderstood('Members can be asked by eq only.');
  if (typeof value !== 'string' || !UUID.test(value)) return sql<boolean>`false`;
  return sql<boolean>`exists (select from team_member m where m.team_id = t.id and m.user_id = ${value}::uuid)`;
};

const ATTRIBUTES = new Map<string, Attribute>([
  ['id', identifier(sql`t.id`)],
  ['displayname', words(sql`t.name`)],
  ['externalid', exact(sql`t.external_id`)],
  ['members', member],
  ['members.value', member],
]);
const ORDERS = new Map<string, RawBuilder<unknown>>([
  ['id', sql`t.id`],
  ['displayname', sql`lower(t.name)`],
  ['externalid', sql`t.external_id`],
]);

/** Reads teams as SCIM shows them. */
@Injectable()
export class ScimGroupRows {
  constructor(private readonly em: EntityManager) {}

  /** @throws Problem `validation` with `invalidFilter` or, for an order that there is not, `invalidPath` */
  async search(accountId: string, query: ScimSearch): Promise<{ total: number; rows: ScimGroupRow[] }> {
    const filter = query.filter === undefined ? sql`true` : whereOf(query.filter, ATTRIBUTES);
    const order = ORDERS.get(query.sortBy?.toLowerCase() ?? 'id');
    if (!order) throw scimProblem('invalidPath', 'Groups are not sorted by this attribute.');
    const where = sql`t.account_id = ${accountId} and ${filter}`;
    const counted = await sql<{ total: number }>`select count(*)::int as total from team t where ${where}`.execute(
      this.em.getKysely(),
    );
    const total = counted.rows[0]!.total;
    if (query.count === 0) return { total, rows: [] };
    const direction = query.descending ? sql`desc nulls first` : sql`asc nulls last`;
    const page = sql`order by ${order} ${direction}, t.id limit ${query.count} offset ${offsetOf(query.startIndex)}`;
    return { total, rows: await this.select(sql`${where} ${page}`, query.view) };
  }

  /** @throws Problem `not-found`, for another account's team, too */
  async get(accountId: string, id: string, view: ScimView): Promise<ScimGroupRow> {
    const [row] = await this.select(sql`t.account_id = ${accountId} and t.id = ${id}`, view);
    if (!row) throw new Problem('not-found', { detail: 'There is no such group.' });
    return row;
  }

  /** Nobody joins, leaves or renames the team until the transaction ends. */
  async lock(accountId: string, id: string): Promise<void> {
    await sql`select id from team where account_id = ${accountId} and id = ${id} for update`.execute(
      this.em.getKysely(),
    );
  }

  async memberIds(id: string): Promise<Set<string>> {
    const { rows } = await sql<{ user_id: string }>`select user_id from team_member where team_id = ${id}`.execute(
      this.em.getKysely(),
    );
    return new Set(rows.map((row) => row.user_id));
  }

  private async select(where: RawBuilder<unknown>, view: ScimView): Promise<ScimGroupRow[]> {
    const members = wants('members', view)
      ? sql`(select coalesce(jsonb_agg(jsonb_build_object('id', u.id, 'name', u.name) order by u.id), '[]')
          from team_member m join users u on u.id = m.user_id where m.team_id = t.id)`
      : sql`null::jsonb`;
    const { rows } = await sql<ScimGroupRow>`
      select t.id, t.name, t.external_id, t.created_at, ${members} as members,
        md5(concat_ws(' ', t.name, t.external_id,
          (select string_agg(m.user_id::text, ' ' order by m.user_id) from team_member m where m.team_id = t.id))) as digest
      from team t where ${where}`.execute(this.em.getKysely());
    return rows;
  }
}

export const versionOf = ({ digest }: ScimGroupRow): string => `W/"${digest}"`;

export function toScimGroup(row: ScimGroupRow): ScimObject {
  return {
    schemas: [SCIM_GROUP],
    id: row.id,
    ...(row.external_id !== null && { externalId: row.external_id }),
    displayName: row.name,
    ...(row.members && {
      members: row.members.map(({ id, name }) => ({ value: id, display: name, type: 'User' })),
    }),
    meta: { resourceType: 'Group', created: isoOf(row.created_at), version: versionOf(row) },
  };
}
