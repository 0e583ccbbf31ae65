import { Injectable } from '@nestjs/common';
import type { BulkFile, BulkQuery, BulkRequest, Principal, StartedBulk } from '#libs/contracts';
import { AfterCommit } from '#libs/database';
import { Audit } from '../../../../audit/audit.js';
import { Actors } from '../../../../user/actors.js';
import { BulkRequests, planTokenOf } from '../bulk-requests.js';
import { DryRunStore } from './dry-run-store.js';
import { DryRunWorker } from './dry-run.worker.js';
import { PlannedLists } from './planned-lists.js';

/** Accepts dry runs, and checks the plan tokens of lists. A worker counts the rows later, so that the response is immediate. */
@Injectable()
export class DryRuns {
  constructor(
    private readonly actors: Actors,
    private readonly requests: BulkRequests,
    private readonly lists: PlannedLists,
    private readonly store: DryRunStore,
    private readonly worker: DryRunWorker,
    private readonly afterCommit: AfterCommit,
    private readonly audit: Audit,
  ) {}

  /**
   * Before the transaction. A dry run needs no preparation.
   * @throws Problem `plan-stale` for a list that would not do what its dry run has shown, `service-unavailable`
   */
  async prepare(principal: Principal, query: BulkQuery, body: BulkRequest | BulkFile): Promise<void> {
    const planToken = planTokenOf(query, body);
    if (query.dryRun || planToken === undefined) return;
    const list = await this.requests.read(principal.accountId, query, body);
    await this.lists.check(principal, list, planToken);
  }

  /** @throws Problem `forbidden`, `validation`; for invalid overrides or successors `unknown-rule`, `invalid-action` */
  async start(principal: Principal, query: BulkQuery, body: BulkRequest | BulkFile): Promise<StartedBulk> {
    const { accountId, userId } = principal;
    const roles = await this.actors.requireManager(principal);
    const list = await this.requests.read(accountId, query, body);
    const id = await this.store.insert({ ...principal, roles }, list);
    const detail = { dryRunId: id, transition: list.transition, users: list.rows.length };
    await this.audit.append([{ accountId, action: 'departure.dry-run-requested', actorId: userId, detail }]);
    this.afterCommit.run(async () => this.worker.wake());
    return { id };
  }
}
