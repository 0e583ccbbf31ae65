import { safeErrorFields, Log } from '#libs/observability';
import type { ImportSourceResult, SourceError } from '#libs/contracts';
import { Clock } from '#libs/database';
import type { Db } from '#libs/lifecycle';
import { addressOf, PrivateAddressError, Encryption } from '#libs/platform';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { ImportJobs } from '../contact-import/import-jobs.js';
import { ContactsConfig } from '../contacts.config.js';
import { FileStaging, isSame } from './file-staging.js';
import { FtpFolder } from './ftp-folder.js';
import { moveInto, type RemoteFolder } from './remote-folder.js';
import { SftpFolder } from './sftp-folder.js';
import { SourceFault } from './source-fault.js';
import { SourceFiles, type KnownFile } from './source-files.js';
import { LEASE, SourceSchedule, type Claimed } from './source-schedule.js';

/** Sources that one replica looks into at the same time. */
const AT_ONCE = 8;
/** Milliseconds for which a file must not have changed: it may still be on its way to the server. */
const SETTLED_AFTER = 30_000;
/** Milliseconds for which the connection is kept while a file is imported; servers end idle ones. */
const KEPT_OPEN = 15_000;
/** When a source is looked into again whose file is still being imported. */
const SOON = 2_000;
/** After so many milliseconds a long row of files makes room for other sources … */
const TURN = 300_000;
/** … and after so many the connection is cut, whatever the server is sending. */
const LIMIT = 1_800_000;

type Outcome =
  { result: ImportSourceResult; error: SourceError | null; again?: number } | { later: ImportSourceResult };

/**
 * Looks into sources that are due: takes the files that have settled, the oldest first, each when the one before has been
 * imported, and moves them away.
 */
@Injectable()
export class SourceRuns {
  private readonly running = new Set<Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly em: EntityManager,
    private readonly schedule: SourceSchedule,
    private readonly files: SourceFiles,
    private readonly staging: FileStaging,
    private readonly jobs: ImportJobs,
    private readonly sealing: Encryption,
    private readonly config: ContactsConfig,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Begins with a source that is due. @returns false when there is none, or no room */
  async begin(): Promise<boolean> {
    if (this.stopping.signal.aborted || this.running.size >= AT_ONCE) return false;
    const claimed = await this.schedule.claim();
    if (!claimed) return false;
    const work: Promise<void> = this.run(claimed).finally(() => this.running.delete(work));
    this.running.add(work);
    return true;
  }

  /** Cuts the connections, and leaves the rest to other replicas. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }

  private async run(source: Claimed): Promise<void> {
    const renewal = setInterval(() => void this.schedule.renew(source).catch(() => undefined), LEASE / 3);
    try {
      const outcome = await this.look(source);
      if ('later' in outcome) await this.schedule.postpone(source, outcome.later, SOON);
      else await this.schedule.finish(source, outcome);
    } catch (error) {
      await this.failed(source, error).catch((fault: unknown) =>
        // The lease runs out, and then somebody tries again.
        this.log.error(
          { sourceId: source.id, ...safeErrorFields(fault) },
          'a look into an import source was interrupted',
        ),
      );
    } finally {
      clearInterval(renewal);
    }
  }

  private async failed(source: Claimed, error: unknown): Promise<void> {
    if (this.stopping.signal.aborted) return this.schedule.postpone(source, source.unfinished, 0);
    const fault = error instanceof SourceFault ? error : undefined;
    if (!fault)
      this.log.error({ sourceId: source.id, ...safeErrorFields(error) }, 'a look into an import source failed');
    const active = await this.schedule.fail(source, fault?.code ?? 'internal', fault?.offeredHostKey ?? null);
    this.log.warn({ sourceId: source.id, code: fault?.code ?? 'internal', active }, 'an import source cannot be used');
  }

  private async look(source: Claimed): Promise<Outcome> {
    if (await this.files.importing(source.id)) return { later: source.unfinished ?? none() };
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), LIMIT);
    const signal = AbortSignal.any([this.stopping.signal, limit.signal]);
    let folder: RemoteFolder | undefined;
    try {
      folder = await this.open(source, signal);
      if (folder.hostKey && !source.hostKey) await this.schedule.pin(source, folder.hostKey);
      return await this.workOff(source, folder);
    } finally {
      clearTimeout(timer);
      folder?.close();
    }
  }

  private async open(source: Claimed, signal: AbortSignal): Promise<RemoteFolder> {
    const address = await addressOf(source.host, { allowPrivate: this.config.importSourcesAllowPrivate }).catch(
      (error: unknown) => {
        const code = error instanceof PrivateAddressError ? 'source-address-refused' : 'source-unreachable';
        throw new SourceFault(code, { cause: error });
      },
    );
    if (signal.aborted) throw new SourceFault('source-unreachable');
    const login = { ...source, address, password: this.sealing.decrypt(source.password, source.accountId) };
    return source.kind === 'sftp' ? SftpFolder.open(login, signal) : FtpFolder.open(login, signal);
  }

  /** A file that the server doesn't hand out, or lets nobody move, keeps the others from nothing. */
  private async workOff(source: Claimed, folder: RemoteFolder): Promise<Outcome> {
    const turnEnds = this.clock.millis() + TURN;
    const result = { ...(source.unfinished ?? none()), waiting: 0 };
    let error: SourceError | null = null;
    for (const file of await this.files.meet(source.id, await folder.list())) {
      if (this.clock.millis() > turnEnds) return { later: result };
      try {
        const status = await this.import(source, folder, file);
        if (status === 'running') return { later: result };
        if (status === 'waiting') result.waiting += 1;
        else await this.putAway(source, folder, { file, status, result });
      } catch (fault) {
        if (!(fault instanceof SourceFault) || fault.code !== 'source-file-refused') throw fault;
        error = fault.code;
      }
    }
    return { result, error, ...(result.waiting > 0 && { again: SETTLED_AFTER }) };
  }

  /** What has become of a file's import; `waiting` when there is none yet. */
  private async import(source: Claimed, folder: RemoteFolder, file: KnownFile): Promise<string> {
    if (file.state === 'taken' || file.state === 'moved') return file.importStatus!;
    if (this.clock.millis() - file.since.getTime() < SETTLED_AFTER) return 'waiting';
    const importId = await this.staging.stage(source, folder, file);
    if (!importId) return 'waiting';
    let timer: NodeJS.Timeout | undefined;
    const longEnough = new Promise<void>((resolve) => (timer = setTimeout(resolve, KEPT_OPEN)));
    await Promise.race([this.jobs.work(importId), longEnough]).finally(() => clearTimeout(timer));
    const { rows } = await sql<{ id: string; status: string }>`
      select id, status from contact_import where id = ${importId}`.execute(this.db());
    file.importId = importId;
    return rows[0]!.status;
  }

  /** Not when another one lies there by now under the same name: that one has not been imported. */
  private async putAway(
    source: Claimed,
    folder: RemoteFolder,
    { file, status, result }: { file: KnownFile; status: string; result: ImportSourceResult },
  ): Promise<void> {
    const to = status === 'completed' ? 'processed' : 'failed';
    // One that could not be moved before, or has come back, was counted in its time.
    const isNew = file.state === 'seen' || file.state === 'reading' || source.unfinished !== null;
    if (isNew && file.state !== 'moved') result[to === 'processed' ? 'imported' : 'failed'] += 1;
    if (!isSame(file, await folder.look(file.name))) return;
    await moveInto(folder, { name: file.name, to, mark: file.importId! });
    await this.files.moved(source.id, file);
  }

  private db(): Db {
    return this.em.fork().getKysely();
  }
}

const none = (): ImportSourceResult => ({ imported: 0, failed: 0, waiting: 0 });
