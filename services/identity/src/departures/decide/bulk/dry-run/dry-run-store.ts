import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  DRY_RUN_DAYS,
  type ActionInput,
  type DryRunTotal,
  type LeavingTransition,
  type NamedSuccessors,
  type Role,
} from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import type { ReadBulk } from '../bulk-requests.js';
import { listedRows } from '../bulk-rows.js';
import type { CountedRow, RowToCount } from './dry-run-rows.js';
import { listDigestOf } from './dry-run-totals.js';

const LIFETIME_MS = DRY_RUN_DAYS * 86_400_000;

export interface DryRun {
  id: string;
  account_id: string;
  transition: LeavingTransition;
  requested_as: Role[];
  requested_at: string;
  effective_at: string | null;
  successors: NamedSuccessors;
  overrides: Record<string, ActionInput>;
  list_digest: string;
  totals: DryRunTotal[];
  counted: boolean;
  expires_at: string;
}

interface Requester {
  accountId: string;
  userId: string;
  roles: readonly Role[];
}

const COLUMNS = sql.raw(
  ['id', 'account_id', 'transition', 'requested_as', 'requested_at', 'effective_at', 'successors', 'overrides']
    .concat(['list_digest', 'totals', 'counted', 'expires_at'])
    .map((column) => `d.${column}`)
    .join(),
);

/** The tables of dry runs. */
@Injectable()
export class DryRunStore {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * In the caller's transaction. Rows with a fault count as counted.
   * @returns the id
   */
  async insert({ accountId, userId, roles }: Requester, bulk: ReadBulk): Promise<string> {
    const { transition, effectiveAt, successors = {}, overrides = {} } = bulk;
    const id = this.ids.next();
    const rows = listedRows(bulk.rows);
    await sql`
      insert into bulk_dry_run (id, account_id, transition, requested_by, requested_as, requested_at, effective_at, successors,
        overrides, list_digest, expires_at)
      values (${id}, ${accountId}, ${transition}, ${userId}, ${[...roles]}::text[], ${this.clock.now()}, ${effectiveAt ?? null},
        ${JSON.stringify(successors)}::jsonb, ${JSON.stringify(overrides)}::jsonb, ${listDigestOf(bulk, rows)},
        ${new Date(this.clock.millis() + LIFETIME_MS)})`.execute(this.em.getKysely());
    const entries = rows.map(({ n, userId: leaver, successors: own, fault }) => ({
      n,
      user_id: leaver,
      successors: own,
      possible: fault ? false : null,
      blockers: fault ? [{ ...fault, items: [] }] : [],
    }));
    await sql`
      insert into bulk_dry_run_row (dry_run_id, n, user_id, successors, possible, blockers)
      select ${id}::uuid, r.* from jsonb_to_recordset(${JSON.stringify(entries)}::jsonb)
        as r (n int, user_id uuid, successors jsonb, possible boolean, blockers jsonb)`.execute(this.em.getKysely());
    return id;
  }

  /** Undefined for one of another account, and for one that has expired. */
  async find(accountId: string, id: string): Promise<DryRun | undefined> {
    const { rows } = await sql<DryRun>`
      select ${COLUMNS} from bulk_dry_run d
      where d.id = ${id} and d.account_id = ${accountId} and d.expires_at > ${this.clock.now()}`.execute(
      this.em.getKysely(),
    );
    return rows[0];
  }

  /** The digests of the counted rows, by number. Rows with a fault have none. */
  async digests(id: string): Promise<Map<number, string>> {
    const { rows } = await sql<{ n: number; digest: string }>`
      select n, digest from bulk_dry_run_row where dry_run_id = ${id} and digest is not null`.execute(
      this.em.getKysely(),
    );
    return new Map(rows.map(({ n, digest }) => [n, digest]));
  }

  /**
   * Dry runs with rows to count, which no other replica claims before the lease ends.
   * @param isDue SQL condition about `look_after`
   */
  async claim(limit: number, leaseUntil: Date, isDue: RawBuilder<unknown>): Promise<DryRun[]> {
    const { rows } = await sql<DryRun>`
      with due as materialized (
        select id from bulk_dry_run where not counted and ${isDue} order by look_after, id limit ${limit}
        for no key update skip locked
      )
      update bulk_dry_run d set look_after = ${leaseUntil} from due where d.id = due.id
      returning ${COLUMNS}`.execute(this.inOwnTransaction);
    return rows;
  }

  async uncounted(id: string, limit: number): Promise<RowToCount[]> {
    const { rows } = await sql<RowToCount>`
      select n, user_id as "userId", successors from bulk_dry_run_row
      where dry_run_id = ${id} and possible is null order by n limit ${limit}`.execute(this.inOwnTransaction);
    return rows;
  }

  /** Everybody whom the list names, and the owners among them who can leave as far as their rows are counted. */
  async people(id: string): Promise<{ leavers: Set<string>; leavingOwners: string[] }> {
    const { rows } = await sql<{ user_id: string; leaves: boolean }>`
      select r.user_id, r.possible is true
        and exists (select from user_role o where o.user_id = r.user_id and o.role = 'owner') as leaves
      from bulk_dry_run_row r where r.dry_run_id = ${id} and r.user_id is not null`.execute(this.inOwnTransaction);
    const leaving = rows.filter(({ leaves }) => leaves).map((row) => row.user_id);
    return { leavers: new Set(rows.map((row) => row.user_id)), leavingOwners: leaving };
  }

  /**
   * In the caller's transaction.
   * @returns the totals so far; undefined if another replica has counted some of the rows, or a row is gone
   */
  async lock(id: string, rows: readonly CountedRow[]): Promise<DryRunTotal[] | undefined> {
    const db = this.em.getKysely();
    const { rows: found } = await sql<{ totals: DryRunTotal[] }>`
      select totals from bulk_dry_run where id = ${id} for no key update`.execute(db);
    const { rows: open } = await sql`
      select from bulk_dry_run_row
      where dry_run_id = ${id} and n = any(${rows.map(({ n }) => n)}::int[]) and possible is null for update`.execute(
      db,
    );
    return open.length === rows.length ? found[0]?.totals : undefined;
  }

  /** In the caller's transaction, which has called `lock`. */
  async record(id: string, rows: readonly CountedRow[], totals: readonly DryRunTotal[]): Promise<void> {
    const db = this.em.getKysely();
    const entries = rows.map(({ n, possible, blockers, count, digest }) => ({ n, possible, blockers, count, digest }));
    await sql`
      update bulk_dry_run_row r set possible = v.possible, blockers = v.blockers, row_count = v.count, digest = v.digest
      from jsonb_to_recordset(${JSON.stringify(entries)}::jsonb)
        as v (n int, possible boolean, blockers jsonb, count bigint, digest text)
      where r.dry_run_id = ${id} and r.n = v.n`.execute(db);
    await sql`update bulk_dry_run set totals = ${JSON.stringify(totals)}::jsonb where id = ${id}`.execute(db);
  }

  async rescheduleAt(id: string, at: Date): Promise<void> {
    await sql`update bulk_dry_run set look_after = ${at} where id = ${id}`.execute(this.inOwnTransaction);
  }

  async finish(id: string): Promise<void> {
    await sql`update bulk_dry_run set counted = true where id = ${id}`.execute(this.inOwnTransaction);
  }

  /** @returns the number of deleted dry runs */
  async deleteExpired(limit: number): Promise<number> {
    const { rows } = await sql`
      delete from bulk_dry_run where id in (
        select id from bulk_dry_run where expires_at <= ${this.clock.now()}
        order by id limit ${limit} for update skip locked)
      returning id`.execute(this.inOwnTransaction);
    return rows.length;
  }

  private get inOwnTransaction() {
    return this.em.fork().getKysely();
  }
}
