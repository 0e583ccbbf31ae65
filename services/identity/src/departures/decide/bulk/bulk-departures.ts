import { Injectable } from '@nestjs/common';
import type { BulkFile, BulkQuery, BulkRequest, Principal, StartedBulk } from '#libs/contracts';
import { AfterCommit } from '#libs/database';
import { Audit } from '../../../audit/audit.js';
import { Actors } from '../../../user/actors.js';
import { ListRequests } from './approval/list-requests.js';
import { BulkRequests, planTokenOf } from './bulk-requests.js';
import { BulkStore } from './bulk-store.js';
import { BulkWorker } from './bulk.worker.js';

/** Accepts bulk departures, which wait for another manager if the policy says so. A worker decides the rows later, so that the response is immediate. */
@Injectable()
export class BulkDepartures {
  constructor(
    private readonly actors: Actors,
    private readonly requests: BulkRequests,
    private readonly store: BulkStore,
    private readonly approvals: ListRequests,
    private readonly worker: BulkWorker,
    private readonly afterCommit: AfterCommit,
    private readonly audit: Audit,
  ) {}

  /** @throws Problem `forbidden`, `validation`, `no-approver`; for invalid overrides or successors `unknown-rule`, `invalid-action` */
  async start(principal: Principal, query: BulkQuery, body: BulkRequest | BulkFile): Promise<StartedBulk> {
    const { accountId, userId } = principal;
    const roles = await this.actors.requireManager(principal);
    const request = await this.requests.read(accountId, query, body);
    const wanted = await this.approvals.wanted(principal, request);
    const id = await this.store.insert({ ...principal, roles }, request, { waits: wanted !== undefined });
    const planToken = planTokenOf(query, body);
    const waiting = wanted && (await this.approvals.add(principal, id, { ...request, planToken }, wanted));
    const detail = {
      ...{ bulkId: id, transition: request.transition, users: request.rows.length },
      ...(wanted && { neededFor: wanted.neededFor, expiresAt: waiting!.expiresAt.toISOString() }),
    };
    await this.audit.append([{ accountId, action: 'departure.bulk-requested', actorId: userId, detail }]);
    this.afterCommit.run(async () => this.worker.wake());
    return { id };
  }
}
