import type { ImportSourceResult, SourceError } from '#libs/contracts';
import { endsWithin, isDue, isPast, TimeoutError, Worker, WorkerContext } from '#libs/jobs';
import type { Db } from '#libs/lifecycle';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { ImportWorker } from '../contact-import/import.worker.js';
import { FileStaging, isSame } from './file-staging.js';
import { moveInto, type RemoteFolder } from './remote-folder.js';
import { RemoteFolders } from './remote-folders.js';
import { SourceFault } from './source-fault.js';
import { SourceFiles, type KnownFile } from './source-files.js';
import { SourceSchedule, type Claimed, type Fault } from './source-schedule.js';

/** Maximum number of sources that one replica polls at the same time. */
const CONCURRENCY = 8;
/** Milliseconds after which another replica can claim a source whose lease was not renewed. */
const LEASE_MS = 60_000;
const [MINUTE, HOUR] = [60_000, 3_600_000];
/** A server can be down for a day or two. After that the source is deactivated, and an admin has to check it. */
const RETRY = { delaysMs: [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, 24 * HOUR] };
/** Milliseconds without a change after which a file counts as completely uploaded. */
const SETTLED_AFTER_MS = 30_000;
/** Milliseconds for which the connection stays open while a file is imported; servers close idle connections. */
const KEEP_OPEN_MS = 15_000;
/** Milliseconds until a source is polled again whose file is still being imported. */
const RESUME_DELAY_MS = 2_000;
/** Milliseconds after which a source with many files yields to other sources. */
const TURN_MS = 300_000;
/** Milliseconds after which a run is aborted, even if the server is still sending. */
const TIMEOUT_MS = 1_800_000;

type Outcome =
  { result: ImportSourceResult; error: SourceError | null; again?: number } | { later: ImportSourceResult };

/**
 * Polls sources that are due. Imports files that have not changed for a while one after the other, oldest first, and
 * moves each to `processed` or `failed`.
 */
@Injectable()
export class ImportSourceWorker extends Worker<Claimed> {
  constructor(
    private readonly em: EntityManager,
    private readonly schedule: SourceSchedule,
    private readonly files: SourceFiles,
    private readonly staging: FileStaging,
    private readonly imports: ImportWorker,
    private readonly folders: RemoteFolders,
    context: WorkerContext,
  ) {
    super(context, {
      name: 'import-sources',
      wokenBy: ['import_source'],
      concurrency: CONCURRENCY,
      leaseMs: LEASE_MS,
      timeoutMs: TIMEOUT_MS,
      retry: RETRY,
    });
  }

  protected override claim(): Promise<Claimed[]> {
    const now = this.clock.now();
    const due = isDue(now, { attempts: 'failures', retry: RETRY, usualMs: sql`every_minutes * 60000` });
    return this.schedule.claim(this.leaseUntil(), { due, leaseOver: (column) => isPast(now, column, LEASE_MS) });
  }

  protected override async run(source: Claimed, signal: AbortSignal): Promise<void> {
    const outcome = await this.poll(source, signal);
    if ('later' in outcome) await this.schedule.postpone(source, outcome.later, RESUME_DELAY_MS);
    else await this.schedule.finish(source, outcome);
  }

  /** A run that a shutdown has interrupted is continued by another replica and does not count as a failure. */
  protected override async failed(source: Claimed, _failure: unknown, error: unknown): Promise<Date | undefined> {
    if (this.stopping) {
      await this.schedule.postpone(source, source.unfinished, 0);
      return this.clock.now();
    }
    const retryAt = this.retryAt(source.failures);
    await this.schedule.fail(source, toFault(error), retryAt);
    return retryAt;
  }

  protected override renew(source: Claimed): Promise<void> {
    return this.schedule.renew(source, this.leaseUntil());
  }

  protected override about({ id, failures }: Claimed): object {
    return { sourceId: id, attempts: failures + 1 };
  }

  private async poll(source: Claimed, signal: AbortSignal): Promise<Outcome> {
    if (await this.files.importing(source.id)) return { later: source.unfinished ?? none() };
    let folder: RemoteFolder | undefined;
    try {
      folder = await this.folders.open(source, signal);
      if (folder.hostKey && !source.hostKey) await this.schedule.pin(source, folder.hostKey);
      return await this.importFiles(source, folder);
    } finally {
      folder?.close();
    }
  }

  /** A file that cannot be read or moved does not hold up the others. */
  private async importFiles(source: Claimed, folder: RemoteFolder): Promise<Outcome> {
    const turnEnds = this.clock.millis() + TURN_MS;
    const result = { ...(source.unfinished ?? none()), waiting: 0 };
    let error: SourceError | null = null;
    for (const file of await this.files.reconcile(source, await folder.list())) {
      if (this.clock.millis() > turnEnds || !(await this.schedule.mayContinue(source))) return { later: result };
      try {
        const status = await this.import(source, folder, file);
        // If the owner has left during the import, the file stays where it is.
        if (status === 'running' || !(await this.schedule.mayContinue(source))) return { later: result };
        if (status === 'waiting') result.waiting += 1;
        else await this.moveAway(source, folder, { file, status, result });
      } catch (fault) {
        if (!(fault instanceof SourceFault) || fault.code !== 'source-file-refused') throw fault;
        error = fault.code;
      }
    }
    return { result, error, ...(result.waiting > 0 && { again: SETTLED_AFTER_MS }) };
  }

  /** Returns the status of the file's import; `waiting` if there is none yet. */
  private async import(source: Claimed, folder: RemoteFolder, file: KnownFile): Promise<string> {
    if (file.state === 'taken' || file.state === 'moved') return file.importStatus!;
    if (this.clock.millis() - file.since.getTime() < SETTLED_AFTER_MS) return 'waiting';
    const importId = await this.staging.stage(source, folder, file);
    if (!importId) return 'waiting';
    await endsWithin(this.imports.work(importId), KEEP_OPEN_MS);
    const { rows } = await sql<{ id: string; status: string }>`
      select id, status from contact_import where id = ${importId}`.execute(this.db());
    file.importId = importId;
    return rows[0]!.status;
  }

  /** Does not move the file if another one has taken its name in the meantime: that one has not been imported. */
  private async moveAway(
    source: Claimed,
    folder: RemoteFolder,
    { file, status, result }: { file: KnownFile; status: string; result: ImportSourceResult },
  ): Promise<void> {
    const to = status === 'completed' ? 'processed' : 'failed';
    // A file that could not be moved before, or that has come back, has been counted already.
    const isNew = file.state === 'seen' || file.state === 'reading' || source.unfinished !== null;
    if (isNew && file.state !== 'moved') result[to === 'processed' ? 'imported' : 'failed'] += 1;
    if (!isSame(file, await folder.look(file.name))) return;
    await moveInto(folder, { name: file.name, to, mark: file.importId! });
    await this.files.moved(source, file);
  }

  private db(): Db {
    return this.em.fork().getKysely();
  }
}

const none = (): ImportSourceResult => ({ imported: 0, failed: 0, waiting: 0 });

/** A run that exceeded its time limit counts as an unreachable server. */
function toFault(error: unknown): Fault {
  if (error instanceof SourceFault) return error;
  return { code: error instanceof TimeoutError ? 'source-unreachable' : 'internal' };
}
