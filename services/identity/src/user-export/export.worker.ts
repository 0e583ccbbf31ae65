import { createHash } from 'node:crypto';
import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { ServiceClient } from '#libs/broker';
import { exportOf, Problem, type ExportFault, type ExportPage } from '#libs/contracts';
import { failpoint, isTransient, Worker, WorkerContext } from '#libs/jobs';
import { exportPage, RuleSet } from '#libs/lifecycle';
import { Audit, EXPORTED } from '../audit/audit.js';
import { isUnavailable } from '../common/answering-services.js';
import { isoOf } from '../common/moments.js';
import { exportIndex } from './export-index.js';
import { withoutService, withPage } from './export-progress.js';
import { ExportStore, type RunningExport } from './export-store.js';
import { ZipFile, ZipTooLarge } from './zip-file.js';

/** How long a claim lasts. After a crash another replica goes on when it ends. */
const LEASE_MS = 120_000;
/** A service that does not answer is asked this often, for about five minutes, and then named as missing. */
const MOST_TRIES = 20;
const RETRY = { delaysMs: [15_000], retryLimit: Infinity };

/**
 * Copies what names a user into a ZIP file, one page of one service in each step. The page and the state after it are
 * recorded together, so a crash repeats at most one page, and memory holds one page.
 */
@Injectable()
export class ExportWorker extends Worker<RunningExport> {
  constructor(
    private readonly em: EntityManager,
    private readonly store: ExportStore,
    private readonly client: ServiceClient,
    private readonly rules: RuleSet,
    private readonly audit: Audit,
    context: WorkerContext,
  ) {
    super(context, { name: 'user-exports', wokenBy: ['user_export'], leaseMs: LEASE_MS, retry: RETRY });
  }

  protected override claim(limit: number): Promise<RunningExport[]> {
    return this.store.claim(limit, this.leaseUntil(), this.isPast('look_after'));
  }

  protected override async run(row: RunningExport): Promise<void> {
    const { progress } = row;
    if (row.user_deleted) return this.giveUp(row, 'user-deleted');
    try {
      if (progress.ended) return await this.complete(row);
      await (progress.services.length === 0 ? this.end(row) : this.copyPage(row));
    } catch (error) {
      if (error instanceof ZipTooLarge) return this.giveUp(row, 'too-large');
      throw error;
    }
    await this.store.rescheduleAt(row.id, this.clock.now());
  }

  protected override async failed(row: RunningExport, _failure: unknown, error: unknown): Promise<Date> {
    const retryAt = this.retryAt(0)!;
    await this.write(async () => {
      if (row.progress.tries < MOST_TRIES) return this.store.countTry(row);
      if (error instanceof Problem && row.progress.services.length > 0)
        return this.store.record(row, withoutService(row.progress, reasonOf(error)), Buffer.alloc(0));
      return isTransient(error) ? undefined : this.store.fail(row, 'internal');
    });
    await this.store.rescheduleAt(row.id, retryAt);
    return retryAt;
  }

  protected override about({ id }: RunningExport): object {
    return { export: id };
  }

  private async copyPage(row: RunningExport): Promise<void> {
    const page = await this.page(row);
    const { progress, bytes } = withPage(row.progress, page);
    await this.write(() => failpoint('chunk.commit', () => this.store.record(row, progress, bytes)));
  }

  private page({ account_id: accountId, user_id: userId, progress }: RunningExport): Promise<ExportPage> {
    const [service] = progress.services;
    const request = { accountId, userId, after: progress.after };
    if (service !== this.rules.service) return this.client.ask(exportOf(service!), request);
    return exportPage(this.em.fork().getKysely(), this.rules, request);
  }

  private async end(row: RunningExport): Promise<void> {
    const { id: exportId, user_id: userId, requested_at: requestedAt } = row;
    const progress = structuredClone(row.progress);
    const zip = new ZipFile(progress.zip);
    zip.add('index.html', exportIndex({ exportId, userId, requestedAt: isoOf(requestedAt) }, progress));
    zip.end();
    await this.write(() => this.store.record(row, { ...progress, ended: true }, zip.take()));
  }

  private async complete(row: RunningExport): Promise<void> {
    const hash = createHash('sha256');
    let size = 0;
    for (let n = 0; n < row.chunks; n++) {
      const bytes = await RequestContext.create(this.em, () => this.store.chunk(row, n));
      hash.update(bytes);
      size += bytes.length;
    }
    const sha256 = hash.digest('hex');
    const { id: exportId, account_id: accountId, user_id: subjectId } = row;
    await this.write(async () => {
      if (!(await this.store.complete(row, { sha256, size }))) return;
      const detail = { exportId, sha256, size };
      await this.audit.append([{ accountId, action: EXPORTED, system: 'export', subjectId, detail }]);
    });
  }

  private giveUp(row: RunningExport, error: ExportFault): Promise<void> {
    return this.write(() => this.store.fail(row, error));
  }

  private write<T>(work: () => Promise<T>): Promise<T> {
    return this.em.fork().transactional(work);
  }
}

const reasonOf = (error: Problem): string =>
  isUnavailable(error)
    ? 'It has not answered: it is down, or runs a version without exports. Rows of it are missing.'
    : 'It has failed to list its rows, so some are missing.';
