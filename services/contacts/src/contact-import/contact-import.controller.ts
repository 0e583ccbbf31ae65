import { Answers, Handles } from '#libs/broker';
import {
  abortImport,
  appendImport,
  closeImport,
  contactImportsGet,
  contactImportsList,
  mayAll,
  openImport,
  RIGHTS,
  whoMay,
  type Call,
  type ContactImport,
  type ContactImportListQuery,
  type ContactImportSummary,
  type NoBody,
  type Page,
  type Principal,
} from '#libs/contracts';
import { pageWindow, toPage } from '#libs/database';
import { endsWithin } from '#libs/jobs';
import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { ContactImport as ContactImportEntity } from './contact-import.entity.js';
import { ImportReports } from './import-reports.js';
import { ImportWorker } from './import.worker.js';
import { Uploads } from './uploads.js';

const MAX_WAIT_MS = 60_000;
const POLL_INTERVAL_MS = 100;

type Upload = { importId: string };

@Controller()
export class ContactImportController {
  /** Milliseconds after which `close` answers even if the import is still running. */
  maxWaitMs = MAX_WAIT_MS;

  constructor(
    private readonly em: EntityManager,
    private readonly uploads: Uploads,
    private readonly imports: ImportWorker,
    private readonly reports: ImportReports,
  ) {}

  @Answers(openImport)
  async open(request: { accountId: string; userId: string; userIdField: string | null }): Promise<Upload> {
    return { importId: await this.uploads.open(request) };
  }

  @Answers(appendImport, { acrossAccounts: 'The gateway names only the upload that it has opened.' })
  async append({ importId, n, data }: Upload & { n: number; data: string }): Promise<Record<string, never>> {
    await this.uploads.append(importId, n, Buffer.from(data, 'base64'));
    return {};
  }

  @Answers(closeImport, { acrossAccounts: 'The gateway names only the upload that it has opened.' })
  async close({ importId: uploadId, idempotency }: Upload & Pick<Call, 'idempotency'>): Promise<ContactImport> {
    const importId = await this.uploads.close(uploadId, idempotency);
    const deadline = performance.now() + this.maxWaitMs;
    for (;;) {
      const ended = await endsWithin(this.imports.work(importId), deadline - performance.now());
      const report = await this.reports.one({ id: importId });
      if (report.status !== 'running' || !ended || this.imports.stopping) return report;
      // No slot is free on this replica, or another replica works on the import.
      if (performance.now() >= deadline) return report;
      await pause(POLL_INTERVAL_MS);
    }
  }

  @Answers(abortImport, { acrossAccounts: 'The gateway names only the upload that it has opened.' })
  async abort({ importId, reason }: Upload & { reason?: string }): Promise<Record<string, never>> {
    await this.uploads.abort(importId, reason);
    return {};
  }

  @Handles(contactImportsGet)
  get({ principal, params }: Call): Promise<ContactImport> {
    return this.reports.one({ id: params.id!, accountId: principal.accountId, ...seenBy(principal) });
  }

  @Handles(contactImportsList)
  async list({ principal, query }: Call<NoBody, ContactImportListQuery>): Promise<Page<ContactImportSummary>> {
    const { limit, before } = pageWindow(query);
    const { sourceId } = query;
    const where = {
      accountId: principal.accountId,
      ...seenBy(principal),
      ...(sourceId && { sourceId }),
      ...(before && { id: { $lt: before } }),
    };
    const rows = await this.em.find(ContactImportEntity, where, { orderBy: { id: 'desc' }, limit: limit + 1 });
    const { items, nextCursor } = toPage(rows, query);
    return { items: await this.reports.summaries(items), nextCursor };
  }
}

const SEE = whoMay(RIGHTS['contact-imports'], 'get');

/** Users see the imports that they have made, managers all of the account. */
const seenBy = (principal: Principal) => (mayAll(SEE, principal) ? {} : { importedBy: principal.userId });
