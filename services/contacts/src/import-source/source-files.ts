import { Clock } from '#libs/database';
import type { Db } from '#libs/lifecycle';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { MOST_FILES, type RemoteFile } from './remote-folder.js';
import { held, type SourceRun } from './source-schedule.js';

/** Milliseconds for which a moved file is remembered (90 days), in case it appears again unchanged. */
const REMEMBERED_MS = 90 * 86_400_000;

/**
 * `seen`: listed in the folder. `reading`: being copied into the import `importId`. `taken`: copied completely.
 * `moved`: moved out of the folder.
 */
type FileState = 'seen' | 'reading' | 'taken' | 'moved';

export interface KnownFile extends RemoteFile {
  state: FileState;
  /** When it was first seen, or taken, or moved. */
  since: Date;
  importId: string | null;
  importStatus: string | null;
}

interface Row {
  name: string;
  size: string;
  modified_at: string | null;
  state: FileState;
  since: string;
  import_id: string | null;
  status: string | null;
}

/**
 * The files seen in the folders of sources. Two files are the same if name, size and modification time are equal. A run
 * that has lost its source writes nothing: it may have looked at a server that the source no longer points to.
 */
@Injectable()
export class SourceFiles {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /**
   * Reconciles a folder's listing with the stored files.
   * @returns the listed files with their state, the oldest first; none if the run has lost the source
   */
  reconcile(run: SourceRun, files: readonly RemoteFile[]): Promise<KnownFile[]> {
    const sourceId = run.id;
    return this.em.fork().transactional(async (em) => {
      const db = em.getKysely();
      if (!(await isHeld(db, run))) return [];
      const there = listed(files);
      await sql`
        insert into import_source_file (source_id, name, size, modified_at, state, since)
        select ${sourceId}, n.*, 'seen', ${this.clock.now()} from ${there} on conflict do nothing`.execute(db);
      // These were listed while the clock was ahead.
      await sql`
        update import_source_file set since = ${this.clock.now()}
        where source_id = ${sourceId} and state = 'seen' and since > ${this.clock.now()}`.execute(db);
      // A listing that was cut off does not show which files are gone.
      if (files.length < MOST_FILES) await this.forgetGone(db, sourceId, there);
      const { rows } = await sql<Row>`
        select f.name, f.size, f.modified_at, f.state, f.since, f.import_id, i.status
        from ${there} join import_source_file f on f.source_id = ${sourceId} and f.name = n.name and f.size = n.size
          and f.modified_at is not distinct from n.modified_at
        left join contact_import i on i.id = f.import_id
        order by f.modified_at nulls last, f.name`.execute(db);
      return rows.map(known);
    });
  }

  /** Whether a file of the source is being imported, so that the next one has to wait. */
  async importing(sourceId: string): Promise<boolean> {
    const { rows } = await sql`
      select 1 from import_source_file f join contact_import i on i.id = f.import_id
      where f.source_id = ${sourceId} and f.state = 'taken' and i.status = 'running' limit 1`.execute(this.db());
    return rows.length > 0;
  }

  /** Runs in the caller's transaction. @returns false if the run has lost the source, or the file has been taken */
  async reading(run: SourceRun, file: RemoteFile, importId: string): Promise<boolean> {
    if (!(await isHeld(this.em.getKysely(), run))) return false;
    const { numAffectedRows } = await sql`
      update import_source_file set state = 'reading', import_id = ${importId}
      where ${same(run.id, file)} and state in ('seen', 'reading')`.execute(this.em.getKysely());
    return numAffectedRows === 1n;
  }

  /** Runs in the caller's transaction. @returns false if the run has lost the source, or another one reads the file */
  async take(run: SourceRun, file: RemoteFile, importId: string): Promise<boolean> {
    if (!(await isHeld(this.em.getKysely(), run))) return false;
    const { numAffectedRows } = await sql`
      update import_source_file set state = 'taken', since = ${this.clock.now()}
      where ${same(run.id, file)} and state = 'reading' and import_id = ${importId}`.execute(this.em.getKysely());
    return numAffectedRows === 1n;
  }

  /** A file without a time is forgotten after the move, because a later file could look the same. */
  async moved(run: SourceRun, file: RemoteFile): Promise<void> {
    await this.em.fork().transactional(async (em) => {
      const db = em.getKysely();
      if (!(await isHeld(db, run))) return;
      const where = same(run.id, file);
      if (!file.modifiedAt) await sql`delete from import_source_file where ${where}`.execute(db);
      else
        await sql`update import_source_file set state = 'moved', since = ${this.clock.now()} where ${where}`.execute(
          db,
        );
    });
  }

  async forget(sourceId: string, file: RemoteFile): Promise<void> {
    await sql`delete from import_source_file where ${same(sourceId, file)}`.execute(this.db());
  }

  private async forgetGone(db: Db, sourceId: string, there: ReturnType<typeof listed>): Promise<void> {
    const gone = sql`f.source_id = ${sourceId} and not exists (
      select 1 from ${there} where n.name = f.name and n.size = f.size and n.modified_at is not distinct from f.modified_at)`;
    const longAgo = new Date(this.clock.millis() - REMEMBERED_MS);
    await sql`
      delete from import_source_file f where ${gone}
        and (state in ('seen', 'reading') or modified_at is null or state = 'moved' and since < ${longAgo})`.execute(
      db,
    );
    // These files were moved, but the process ended before it recorded that.
    await sql`update import_source_file f set state = 'moved' where ${gone} and state = 'taken'`.execute(db);
  }

  private db(): Db {
    return this.em.fork().getKysely();
  }
}

/** Locks the source, so that it does not change before the transaction ends. */
async function isHeld(db: Db, run: SourceRun): Promise<boolean> {
  const { rows } = await sql`select 1 from import_source where ${held(run)} for share`.execute(db);
  return rows.length > 0;
}

const listed = (files: readonly RemoteFile[]) =>
  sql`unnest(${files.map(({ name }) => name)}::text[], ${files.map(({ size }) => size)}::bigint[],
    ${files.map(({ modifiedAt }) => modifiedAt)}::timestamptz[]) as n (name, size, modified_at)`;

const same = (sourceId: string, { name, size, modifiedAt }: RemoteFile) =>
  sql`source_id = ${sourceId} and name = ${name} and size = ${size} and modified_at is not distinct from ${modifiedAt}::timestamptz`;

const known = (row: Row): KnownFile => ({
  name: row.name,
  size: Number(row.size),
  modifiedAt: row.modified_at === null ? null : new Date(row.modified_at),
  state: row.state,
  since: new Date(row.since),
  importId: row.import_id,
  importStatus: row.status,
});
