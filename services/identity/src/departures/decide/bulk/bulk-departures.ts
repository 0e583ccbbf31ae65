import { Injectable } from '@nestjs/common';
import type { BulkFile, BulkQuery, BulkRequest, Principal, StartedBulk } from '#libs/contracts';
import { AfterCommit } from '#libs/database';
import { Audit } from '../../../audit/audit.js';
import { Actors } from '../../../user/actors.js';
import { BulkRequests } from './bulk-requests.js';
import { BulkStore } from './bulk-store.js';
import { BulkWorker } from './bulk.worker.js';

/** Accepts bulk departures. A worker decides the rows later, so that the response is immediate. */
@Injectable()
export class BulkDepartures {
  constructor(
    private readonly actors: Actors,
    private readonly requests: BulkRequests,
    private readonly store: BulkStore,
    private readonly worker: BulkWorker,
    private readonly afterCommit: AfterCommit,
    private readonly audit: Audit,
  ) {}

  /** @throws Problem `forbidden`, `validation`; for invalid overrides or successors `unknown-rule`, `invalid-action` */
  async start(principal: Principal, query: BulkQuery, body: BulkRequest | BulkFile): Promise<StartedBulk> {
    const { accountId, userId } = principal;
    const roles = await this.actors.requireManager(principal);
    const request = await this.requests.read(accountId, query, body);
    const id = await this.store.insert({ ...principal, roles }, request);
    const detail = { bulkId: id, transition: request.transition, users: request.rows.length };
    await this.audit.append([{ accountId, action: 'departure.bulk-requested', actorId: userId, detail }]);
    this.afterCommit.run(async () => this.worker.wake());
    return { id };
  }
}
