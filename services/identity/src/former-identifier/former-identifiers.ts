import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { digestOf } from '../common/identifier-digest.js';

/** Maximum number of former identifiers of a user, so that the answer to a service stays small. The oldest are left out. */
const MAX_OF_USER = 2_000;

type Identifiers = Record<string, string | null>;

/** Keeps the identifiers that users had before, so that every service can forget them when the user is deleted. */
@Injectable()
export class FormerIdentifiers {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Records what a change takes away from the user, in the transaction of the change. */
  async record(userId: string, before: Identifiers, after: Identifiers): Promise<void> {
    const gone = Object.keys(before).flatMap((key) => (before[key] !== after[key] && before[key]) || []);
    if (gone.length === 0) return;
    await sql`
      insert into former_identifier (id, user_id, identifier, created_at)
      select n.id, ${userId}, n.identifier, ${this.clock.now()}
      from unnest(${gone.map(() => this.ids.next())}::uuid[], ${gone}::text[]) as n (id, identifier)
      on conflict (user_id, identifier) do nothing`.execute(this.db);
  }

  /**
   * Former and present identifiers except the present address, by user. What names another user of the account now is left
   * out: it is forgotten with that user.
   */
  async of(userIds: readonly string[]): Promise<Map<string, string[]>> {
    const { rows } = await sql<{ user_id: string; identifiers: string[] }>`
      select u.id as user_id, array(
        select i.identifier from (
          (select identifier from former_identifier where user_id = u.id order by id desc limit ${MAX_OF_USER})
          union select unnest(array[u.name, u.staff_id, u.user_name, u.external_id])
        ) i
        where i.identifier is not null and not exists (
          select from users o where o.account_id = u.account_id and o.id <> u.id and o.name is not null
            and fold_case(o.name) = fold_case(i.identifier))
        and not exists (
          select from users o where o.account_id = u.account_id and o.id <> u.id and o.email is not null
            and fold_case(o.email) = fold_case(i.identifier))
        and not exists (
          select from users o where o.account_id = u.account_id and o.id <> u.id
            and coalesce(o.user_name, o.email) is not null
            and fold_case(coalesce(o.user_name, o.email)) = fold_case(i.identifier))
        and not exists (
          select from users o where o.account_id = u.account_id and o.id <> u.id and o.staff_id = i.identifier)
        and not exists (
          select from users o where o.account_id = u.account_id and o.id <> u.id and o.external_id = i.identifier)
      )::text[] as identifiers
      from users u where u.id = any(${[...userIds]}::uuid[])`.execute(this.db);
    return new Map(rows.map((row) => [row.user_id, row.identifiers]));
  }

  /** In the transaction of a deletion, which has stored digests. */
  async erase(userIds: readonly string[]): Promise<void> {
    await sql`delete from former_identifier where user_id = any(${[...userIds]}::uuid[])`.execute(this.db);
  }

  /**
   * In the transaction of a transfer, before it: only digests stay of the person who was the user. Other services still hold
   * what they wrote by hand, and find it when the user is deleted.
   */
  async seal(userId: string): Promise<void> {
    const { rows } = await sql<{ identifier: string }>`
      select i.identifier from users u cross join lateral (
        (select identifier from former_identifier where user_id = u.id order by id desc limit ${MAX_OF_USER})
        union select unnest(array[u.name, u.email, u.staff_id, u.user_name, u.external_id])) i
      where u.id = ${userId} and i.identifier is not null`.execute(this.db);
    const salt = this.ids.next();
    const digests = rows.map(({ identifier }) => digestOf(salt, identifier));
    await sql`
      insert into former_person (id, user_id, digests, created_at)
      values (${salt}, ${userId}, ${JSON.stringify(digests)}, ${this.clock.now()})`.execute(this.db);
    await this.erase([userId]);
  }

  /** When every service has confirmed the deletion of these users. */
  async forget(userIds: readonly string[]): Promise<void> {
    // A replica of the former version may have decided the deletion, and left the identifiers.
    await this.erase(userIds);
    await sql`delete from former_person where user_id = any(${[...userIds]}::uuid[])`.execute(this.db);
  }

  private get db() {
    return this.em.getKysely();
  }
}
