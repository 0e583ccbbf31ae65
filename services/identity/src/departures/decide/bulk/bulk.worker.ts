import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN } from '#libs/broker';
import { Problem, type ActionInput, type NamedSuccessors, type Role, type Transition } from '#libs/contracts';
import { isTransient, Worker, WorkerContext } from '#libs/jobs';
import { safeErrorFields } from '#libs/observability';
import { sql } from 'kysely';
import { GroupDecisions, type DecisionResult, type LeaverRequest } from '../group-decisions.js';
import { Refusals } from '../../plan/refusals.js';
import { isoOf } from '../../../common/moments.js';
import { Actors } from '../../../user/actors.js';

/** Rows per transaction. */
const BATCH_SIZE = 200;
/** How long a claim lasts. After a crash another replica takes over when it ends. */
const LEASE_MS = 60_000;
/** An admin waits for the result, so the delay is short. Errors of a whole batch are transient, so there is no limit. */
const RETRY = { delaysMs: [2_000], retryLimit: Infinity };

interface Bulk {
  id: string;
  account_id: string;
  transition: Transition;
  requested_by: string;
  requested_as: Role[];
  effective_at: string | null;
  reason: string | null;
  successors: NamedSuccessors;
  overrides: Record<string, ActionInput>;
}

interface WaitingRow {
  n: number;
  user_id: string;
  successors: NamedSuccessors;
}

type RowRequest = LeaverRequest & { n: number };

/**
 * Decides bulk departures in transactions of up to 200 rows, which also record the results, so that a crash does not repeat
 * rows. The requester's permissions at the time of the request count, even if the requester has left since.
 */
@Injectable()
export class BulkWorker extends Worker<Bulk> {
  constructor(
    private readonly em: EntityManager,
    private readonly groups: GroupDecisions,
    private readonly refusals: Refusals,
    private readonly actors: Actors,
    context: WorkerContext,
  ) {
    super(context, { name: 'bulk-departures', leaseMs: LEASE_MS, retry: RETRY });
  }

  protected override async claim(limit: number): Promise<Bulk[]> {
    const now = this.clock.now();
    const { rows } = await sql<Bulk>`
      with due as materialized (
        select id from bulk_departure where not decided and look_after <= ${now} order by look_after, id limit ${limit}
        for no key update skip locked
      )
      update bulk_departure b set look_after = ${this.leaseUntil()} from due where b.id = due.id
      returning b.id, b.account_id, b.transition, b.requested_by, b.requested_as, b.effective_at, b.reason, b.successors,
        b.overrides`.execute(this.inOwnTransaction);
    return rows;
  }

  protected override async run(bulk: Bulk): Promise<void> {
    const rows = await this.waiting(bulk.id);
    if (rows.length === 0) return this.finish(bulk.id);
    await this.decide(bulk, rows);
    await this.rescheduleAt(bulk.id, this.clock.now());
  }

  protected override async failed(bulk: Bulk): Promise<Date | undefined> {
    const retryAt = this.retryAt(0)!;
    await this.rescheduleAt(bulk.id, retryAt);
    return retryAt;
  }

  protected override about({ id }: Bulk): object {
    return { bulk: id };
  }

  private async waiting(id: string): Promise<WaitingRow[]> {
    const { rows } = await sql<WaitingRow>`
      select n, user_id, successors from bulk_departure_row
      where bulk_id = ${id} and departure_id is null and code is null order by n limit ${BATCH_SIZE}`.execute(
      this.inOwnTransaction,
    );
    return rows;
  }

  /**
   * If a batch fails for an unknown reason, decides its rows one by one, so that one row does not stop the others.
   * @throws Problem or a transient error; the rows stay undecided then
   */
  private async decide(bulk: Bulk, rows: readonly WaitingRow[]): Promise<void> {
    try {
      // The policy has changed since the other services were asked; the next attempt asks them again.
      if (!(await this.decideTogether(bulk, rows))) throw new Problem('plan-stale');
    } catch (error) {
      if (error instanceof Problem || isTransient(error)) throw error;
      if (rows.length > 1) for (const row of rows) await this.decide(bulk, [row]);
      else {
        this.log.error(safeErrorFields(error), 'a row of a bulk departure failed');
        await this.recordResults(
          bulk.id,
          [{ request: requestOf(bulk, rows[0]!), problem: new Problem('internal') }],
          this.inOwnTransaction,
        );
      }
    }
  }

  /** @returns false if the policy has changed since the other services were asked; nothing has been decided then */
  private async decideTogether(bulk: Bulk, rows: readonly WaitingRow[]): Promise<boolean> {
    const { account_id: accountId, transition, requested_by: requestedBy, requested_as: rolesThen } = bulk;
    const effectiveAt = bulk.effective_at === null ? undefined : isoOf(bulk.effective_at);
    const requests = rows.map((row) => requestOf(bulk, row));
    const leavers = await this.leavers(bulk.id);
    const prepared = await RequestContext.create(this.em, () =>
      this.groups.prepare({ accountId, transition, requests, effectiveAt }),
    );
    return this.em.fork().transactional(async () => {
      await this.groups.lock(accountId, requests);
      const rolesNow = (await this.actors.rolesIfActive({ accountId, userId: requestedBy })) ?? [];
      const open = await this.lockRows(bulk.id, rows);
      const undecided = requests.filter((request) => open.has(request.n));
      const group = {
        accountId,
        transition,
        requests: undecided,
        requestedBy,
        rolesThen,
        rolesNow,
        leavers,
        effectiveAt,
      };
      const results = await this.groups.decide(group, prepared);
      if (results === PREPARE_AGAIN) return false;
      await this.recordResults(bulk.id, results, this.em.getKysely());
      await this.refusals.record(
        group,
        results.map(({ request, problem }) => ({ userId: request.userId, problem })),
      );
      return true;
    });
  }

  private async leavers(id: string): Promise<Set<string>> {
    const { rows } = await sql<{ user_id: string }>`
      select user_id from bulk_departure_row where bulk_id = ${id} and user_id is not null`.execute(
      this.inOwnTransaction,
    );
    return new Set(rows.map((row) => row.user_id));
  }

  /** Locks the rows that are still undecided. Another replica may have decided some after the lease of this one ended. */
  private async lockRows(id: string, rows: readonly WaitingRow[]): Promise<Set<number>> {
    const { rows: open } = await sql<{ n: number }>`
      select n from bulk_departure_row
      where bulk_id = ${id} and n = any(${rows.map((row) => row.n)}::int[]) and departure_id is null and code is null
      order by n for update`.execute(this.em.getKysely());
    return new Set(open.map((row) => row.n));
  }

  private async recordResults(
    id: string,
    results: readonly DecisionResult<RowRequest>[],
    db: BulkWorker['inOwnTransaction'],
  ): Promise<void> {
    const rows = results.map(({ request, departureId, problem }) => ({
      n: request.n,
      departure_id: departureId ?? null,
      code: problem?.code ?? null,
      detail: problem?.message ?? null,
    }));
    await sql`
      update bulk_departure_row r set departure_id = v.departure_id, code = v.code, detail = v.detail
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as v (n int, departure_id uuid, code text, detail text)
      where r.bulk_id = ${id} and r.n = v.n`.execute(db);
  }

  private async rescheduleAt(id: string, at: Date): Promise<void> {
    await sql`update bulk_departure set look_after = ${at} where id = ${id}`.execute(this.inOwnTransaction);
  }

  private async finish(id: string): Promise<void> {
    await sql`update bulk_departure set decided = true, reason = null where id = ${id}`.execute(this.inOwnTransaction);
  }

  private get inOwnTransaction() {
    return this.em.fork().getKysely();
  }
}

/** Successors of the row take precedence over those of the bulk request. */
const requestOf = (bulk: Bulk, { n, user_id: userId, successors }: WaitingRow): RowRequest => ({
  n,
  userId,
  successors: { ...bulk.successors, ...successors },
  overrides: bulk.overrides,
  ...(bulk.reason !== null && { reason: bulk.reason }),
});
