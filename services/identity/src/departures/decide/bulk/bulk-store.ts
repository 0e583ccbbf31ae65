import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ActionInput, NamedSuccessors, Role, LeavingTransition, Telling } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import type { DecisionResult, LeaverRequest } from '../group/group-outcomes.js';
import type { NamedRow } from './bulk-files.js';
import type { ReadBulk } from './bulk-requests.js';
import { listedRows } from './bulk-rows.js';

export interface Bulk {
  id: string;
  account_id: string;
  transition: LeavingTransition;
  requested_by: string;
  requested_as: Role[];
  effective_at: string | null;
  reason: string | null;
  successors: NamedSuccessors;
  overrides: Record<string, ActionInput>;
  tell_contacts: Telling | null;
}

export interface WaitingRow {
  n: number;
  user_id: string;
  successors: NamedSuccessors;
}

export type RowRequest = LeaverRequest & { n: number };

interface Requester {
  accountId: string;
  userId: string;
  roles: readonly Role[];
}

/** The tables of bulk departures: their only writer, beside `WaitingLists` and the rule `identity.scheduled-departures`. */
@Injectable()
export class BulkStore {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * In the caller's transaction.
   * @param waits for an approval; it then counts as decided, so that no worker takes it, also not one of an earlier version
   * @returns the id
   */
  async insert({ accountId, userId, roles }: Requester, bulk: ReadBulk, { waits = false } = {}): Promise<string> {
    const { transition, effectiveAt, reason, successors = {}, overrides = {}, tellContacts, rows } = bulk;
    const id = this.ids.next();
    await sql`
      insert into bulk_departure (id, account_id, transition, requested_by, requested_as, requested_at, effective_at, reason,
        successors, overrides, tell_contacts, status, decided)
      values (${id}, ${accountId}, ${transition}, ${userId}, ${[...roles]}::text[], ${this.clock.now()},
        ${effectiveAt ?? null}, ${reason ?? null}, ${JSON.stringify(successors)}::jsonb, ${JSON.stringify(overrides)}::jsonb,
        ${tellContacts ? JSON.stringify(tellContacts) : null}::jsonb,
        ${waits ? 'awaiting-approval' : 'open'}, ${waits})`.execute(this.em.getKysely());
    await this.insertRows(id, rows);
    return id;
  }

  /**
   * Requests with rows to decide, which no other replica claims before the lease ends.
   * @param isDue SQL condition about `look_after`
   */
  async claim(limit: number, leaseUntil: Date, isDue: RawBuilder<unknown>): Promise<Bulk[]> {
    const { rows } = await sql<Bulk>`
      with due as materialized (
        select id from bulk_departure where not decided and ${isDue} order by look_after, id limit ${limit}
        for no key update skip locked
      )
      update bulk_departure b set look_after = ${leaseUntil} from due where b.id = due.id
      returning b.id, b.account_id, b.transition, b.requested_by, b.requested_as, b.effective_at, b.reason, b.successors,
        b.overrides, b.tell_contacts`.execute(this.inOwnTransaction);
    return rows;
  }

  /** Rows that are not decided yet. */
  async waiting(id: string, limit: number): Promise<WaitingRow[]> {
    const { rows } = await sql<WaitingRow>`
      select n, user_id, successors from bulk_departure_row
      where bulk_id = ${id} and departure_id is null and code is null order by n limit ${limit}`.execute(
      this.inOwnTransaction,
    );
    return rows;
  }

  /** Everybody whom the request names. */
  async leavers(id: string): Promise<Set<string>> {
    const { rows } = await sql<{ user_id: string }>`
      select user_id from bulk_departure_row where bulk_id = ${id} and user_id is not null`.execute(
      this.inOwnTransaction,
    );
    return new Set(rows.map((row) => row.user_id));
  }

  /**
   * In the caller's transaction, under the account's lock: a requester who has left since the claim may have given the bulk
   * departure to a successor.
   */
  async requesterOf(id: string): Promise<string> {
    const { rows } = await sql<{ requested_by: string }>`
      select requested_by from bulk_departure where id = ${id}`.execute(this.em.getKysely());
    return rows[0]!.requested_by;
  }

  /**
   * In the caller's transaction. Another replica may have taken this one for dead and decided some of the rows.
   * @returns numbers of the rows that still wait
   */
  async lockWaiting(id: string, rows: readonly WaitingRow[]): Promise<Set<number>> {
    const { rows: open } = await sql<{ n: number }>`
      select n from bulk_departure_row
      where bulk_id = ${id} and n = any(${rows.map((row) => row.n)}::int[]) and departure_id is null and code is null
      order by n for update`.execute(this.em.getKysely());
    return new Set(open.map((row) => row.n));
  }

  /** In the caller's transaction. */
  async recordResults(id: string, results: readonly DecisionResult<RowRequest>[]): Promise<void> {
    const rows = results.map(({ request, departureId, problem }) => ({
      n: request.n,
      departure_id: departureId ?? null,
      code: problem?.code ?? null,
      detail: problem?.message ?? null,
    }));
    await sql`
      update bulk_departure_row r set departure_id = v.departure_id, code = v.code, detail = v.detail
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as v (n int, departure_id uuid, code text, detail text)
      where r.bulk_id = ${id} and r.n = v.n`.execute(this.em.getKysely());
  }

  async rescheduleAt(id: string, at: Date): Promise<void> {
    await sql`update bulk_departure set look_after = ${at} where id = ${id}`.execute(this.inOwnTransaction);
  }

  async finish(id: string): Promise<void> {
    await sql`update bulk_departure set decided = true, reason = null, tell_contacts = null where id = ${id}`.execute(
      this.inOwnTransaction,
    );
  }

  private async insertRows(id: string, rows: readonly NamedRow[]): Promise<void> {
    const entries = listedRows(rows).map(({ n, userId, successors, fault }) => ({
      n,
      user_id: userId,
      successors,
      code: fault?.code ?? null,
      detail: fault?.detail ?? null,
    }));
    await sql`
      insert into bulk_departure_row (bulk_id, n, user_id, successors, code, detail)
      select ${id}::uuid, n.* from jsonb_to_recordset(${JSON.stringify(entries)}::jsonb)
        as n (n int, user_id uuid, successors jsonb, code text, detail text)`.execute(this.em.getKysely());
  }

  private get inOwnTransaction() {
    return this.em.fork().getKysely();
  }
}
