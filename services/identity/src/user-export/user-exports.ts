import { Injectable } from '@nestjs/common';
import { Problem, type MissingService, type Principal, type UserExport } from '#libs/contracts';
import { AfterCommit, Clock } from '#libs/database';
import { actorOf, Audit, EXPORT_DOWNLOADED, EXPORT_REQUESTED } from '../audit/audit.js';
import { Catalogue } from '../catalogue/catalogue.js';
import { isoOf, isoOrNull } from '../common/moments.js';
import { ExportAccess } from './export-access.js';
import { rowsOf } from './export-progress.js';
import { ExportStore, type ExportRow } from './export-store.js';
import { ExportWorker } from './export.worker.js';

/** Exports of users, for managers who may decide about the user. Each request and each download is in the audit trail. */
@Injectable()
export class UserExports {
  constructor(
    private readonly store: ExportStore,
    private readonly access: ExportAccess,
    private readonly catalogue: Catalogue,
    private readonly audit: Audit,
    private readonly worker: ExportWorker,
    private readonly afterCommit: AfterCommit,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `not-found`, `forbidden`, `step-up-required`, `conflict` for a deleted user or during another export */
  async start(principal: Principal, userId: string): Promise<{ id: string }> {
    const { accountId } = principal;
    await this.access.lock(userId);
    const user = await this.access.toData(principal, userId);
    if (user.status === 'deleted') throw new Problem('conflict', { detail: 'The user is deleted already.' });
    const services = ['identity', ...(await this.catalogue.otherServices())];
    const id = await this.store.insert({ accountId, userId, requestedBy: principal.userId }, services);
    await this.record(principal, EXPORT_REQUESTED, { userId, exportId: id });
    this.afterCommit.run(async () => this.worker.wake());
    return { id };
  }

  /** @throws Problem `not-found`, `forbidden` */
  async get(principal: Principal, id: string): Promise<UserExport> {
    const row = await this.store.get(principal.accountId, id);
    await this.access.toStatus(principal, row.user_id);
    return this.view(row);
  }

  /**
   * Allows and records a download.
   * @throws Problem `not-found`, `forbidden`, `step-up-required`, `conflict` if there is no file
   */
  async open(principal: Principal, id: string): Promise<void> {
    const row = await this.store.get(principal.accountId, id);
    await this.access.toData(principal, row.user_id);
    this.requireFile(row);
    await this.record(principal, EXPORT_DOWNLOADED, { userId: row.user_id, exportId: id });
  }

  /** @throws Problem `not-found`, `conflict` if there is no file any more */
  async chunk(request: {
    accountId: string;
    exportId: string;
    n: number;
  }): Promise<{ data: string; next: number | null }> {
    const { accountId, exportId, n } = request;
    const row = await this.store.get(accountId, exportId);
    this.requireFile(row);
    const data = (await this.store.chunk(row, n)).toString('base64');
    return { data, next: n + 1 < row.chunks ? n + 1 : null };
  }

  private requireFile(row: ExportRow): void {
    const { status } = this.view(row);
    if (status === 'completed') return;
    const why = { running: 'is not complete yet', failed: 'has failed', expired: 'has expired' }[status];
    throw new Problem('conflict', { detail: `The export ${why}.` });
  }

  private async record(
    principal: Principal,
    action: string,
    { userId: subjectId, exportId }: { userId: string; exportId: string },
  ): Promise<void> {
    const { accountId } = principal;
    await this.audit.append([{ accountId, action, ...actorOf(principal), subjectId, detail: { exportId } }]);
  }

  private view(row: ExportRow): UserExport {
    const { id, status, error, sha256, size, progress } = row;
    const isOver = status === 'completed' && Date.parse(row.expires_at) <= this.clock.millis();
    return {
      id,
      userId: row.user_id,
      status: isOver ? 'expired' : status,
      requestedBy: row.requested_by,
      requestedAt: isoOf(row.requested_at),
      completedAt: isoOrNull(row.completed_at),
      expiresAt: isoOf(row.expires_at),
      rows: rowsOf(progress),
      missing: progress.missing satisfies MissingService[],
      ...(error && { error }),
      ...(sha256 && { sha256, size: size! }),
    };
  }
}
