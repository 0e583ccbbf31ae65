import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN } from '#libs/broker';
import { Problem } from '#libs/contracts';
import { isTransient, Worker, WorkerContext } from '#libs/jobs';
import { safeErrorFields } from '#libs/observability';
import { GroupDecisions } from '../group/group-decisions.js';
import { GroupPreflight } from '../../plan/group-preflight.js';
import { Refusals } from '../../plan/guards/refusals.js';
import { isoOf } from '../../../common/moments.js';
import { Actors } from '../../../user/actors.js';
import { BulkStore, type Bulk, type RowRequest, type WaitingRow } from './bulk-store.js';

/** Rows per transaction. */
const BATCH_SIZE = 200;
/** How long a claim lasts. After a crash another replica takes over when it ends. */
const LEASE_MS = 60_000;
/** An admin waits for the result, so the delay is short. Errors of a whole batch are transient, so there is no limit. */
const RETRY = { delaysMs: [2_000], retryLimit: Infinity };

/**
 * Decides bulk departures, some hundred rows in a transaction that also records them as decided: after a crash it continues
 * there. The requester's right is that of the request; one who has left since has still decided it.
 */
@Injectable()
export class BulkWorker extends Worker<Bulk> {
  constructor(
    private readonly em: EntityManager,
    private readonly store: BulkStore,
    private readonly preflight: GroupPreflight,
    private readonly groups: GroupDecisions,
    private readonly refusals: Refusals,
    private readonly actors: Actors,
    context: WorkerContext,
  ) {
    super(context, { name: 'bulk-departures', wokenBy: ['bulk_departure'], leaseMs: LEASE_MS, retry: RETRY });
  }

  protected override claim(limit: number): Promise<Bulk[]> {
    return this.store.claim(limit, this.leaseUntil(), this.isPast('look_after'));
  }

  protected override async run(bulk: Bulk): Promise<void> {
    const rows = await this.store.waiting(bulk.id, BATCH_SIZE);
    if (rows.length === 0) return this.store.finish(bulk.id);
    await this.decide(bulk, rows);
    await this.store.rescheduleAt(bulk.id, this.clock.now());
  }

  protected override async failed(bulk: Bulk): Promise<Date | undefined> {
    const retryAt = this.retryAt(0)!;
    await this.store.rescheduleAt(bulk.id, retryAt);
    return retryAt;
  }

  protected override about({ id }: Bulk): object {
    return { bulk: id };
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
        const failed = { request: requestOf(bulk, rows[0]!), problem: new Problem('internal') };
        await this.em.fork().transactional(() => this.store.recordResults(bulk.id, [failed]));
      }
    }
  }

  /** @returns false if the policy has changed since the other services were asked; nothing has been decided then */
  private async decideTogether(bulk: Bulk, rows: readonly WaitingRow[]): Promise<boolean> {
    const { account_id: accountId, transition, requested_as: rolesThen } = bulk;
    const effectiveAt = bulk.effective_at === null ? undefined : isoOf(bulk.effective_at);
    const requests = rows.map((row) => requestOf(bulk, row));
    const leavers = await this.store.leavers(bulk.id);
    const prepared = await RequestContext.create(this.em, () =>
      this.preflight.prepare({ accountId, transition, requests, effectiveAt }),
    );
    return this.em.fork().transactional(async () => {
      await this.groups.lock(accountId, requests);
      const requestedBy = await this.store.requesterOf(bulk.id);
      const rolesNow = (await this.actors.rolesIfActive({ accountId, userId: requestedBy })) ?? [];
      const open = await this.store.lockWaiting(bulk.id, rows);
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
      await this.store.recordResults(bulk.id, results);
      await this.refusals.record(
        group,
        results.map(({ request, problem }) => ({ userId: request.userId, problem })),
      );
      return true;
    });
  }
}

/** Successors of the row take precedence over those of the bulk request. */
const requestOf = (bulk: Bulk, { n, user_id: userId, successors }: WaitingRow): RowRequest => ({
  n,
  userId,
  successors: { ...bulk.successors, ...successors },
  overrides: bulk.overrides,
  ...(bulk.tell_contacts && { tellContacts: bulk.tell_contacts }),
  ...(bulk.reason !== null && { reason: bulk.reason }),
});
