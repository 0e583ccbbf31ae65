import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { EXPORT_DAYS, Problem, type ExportFault, type ExportStatus } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import { KeyEncryption } from '../signing-key/key-encryption.js';
import { ExportCipher, NONCE_BYTES } from './export-cipher.js';
import { newProgress, type ExportProgress } from './export-progress.js';

const LIFETIME_MS = EXPORT_DAYS * 86_400_000;

export interface ExportRow {
  id: string;
  account_id: string;
  user_id: string;
  requested_by: string;
  status: ExportStatus;
  requested_at: string;
  completed_at: string | null;
  expires_at: string;
  error: ExportFault | null;
  sha256: string | null;
  size: number | null;
  chunks: number;
  progress: ExportProgress;
  sealed_key: string | null;
}

export interface RunningExport extends ExportRow {
  user_deleted: boolean;
}

const COLUMNS = sql.raw(
  ['id', 'account_id', 'user_id', 'requested_by', 'status', 'requested_at', 'completed_at', 'expires_at', 'error']
    .concat(['sha256', 'size::float8', 'chunks', 'progress', 'sealed_key'])
    .map((column) => `e.${column}`)
    .join(),
);

/** The tables of exports. The file is kept as chunks, encrypted with a key of this export, which is encrypted itself. */
@Injectable()
export class ExportStore {
  constructor(
    private readonly em: EntityManager,
    private readonly encryption: KeyEncryption,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * In the caller's transaction, with the user locked.
   * @throws Problem `conflict` if an export of the user is running
   */
  async insert(
    { accountId, userId, requestedBy }: { accountId: string; userId: string; requestedBy: string },
    services: readonly string[],
  ): Promise<string> {
    const [id, now] = [this.ids.next(), this.clock.now()];
    const { rows } = await sql`
      insert into user_export (id, account_id, user_id, requested_by, status, requested_at, expires_at, progress, sealed_key)
      values (${id}, ${accountId}, ${userId}, ${requestedBy}, 'running', ${now}, ${new Date(now.getTime() + LIFETIME_MS)},
        ${JSON.stringify(newProgress(services))}::jsonb, ${this.encryption.encrypt(this.ids.secret(32), id)})
      on conflict (user_id) where status = 'running' do nothing returning id`.execute(this.db);
    if (rows.length === 0) throw new Problem('conflict', { detail: 'An export of this user is running already.' });
    return id;
  }

  /** @throws Problem `not-found`, also for an export of another account */
  async get(accountId: string, id: string): Promise<ExportRow> {
    const { rows } = await sql<ExportRow>`
      select ${COLUMNS} from user_export e where e.id = ${id} and e.account_id = ${accountId}`.execute(this.db);
    if (!rows[0]) throw new Problem('not-found', { detail: 'There is no such export.' });
    return rows[0];
  }

  /** Claims running exports. Does not use the caller's transaction; neither do the methods below, unless they say so. */
  async claim(limit: number, leaseUntil: Date, isDue: RawBuilder<unknown>): Promise<RunningExport[]> {
    const { rows } = await sql<RunningExport>`
      with due as materialized (
        select id from user_export where status = 'running' and ${isDue} order by look_after limit ${limit}
        for no key update skip locked)
      update user_export e set look_after = ${leaseUntil} from due, users u where e.id = due.id and u.id = e.user_id
      returning ${COLUMNS}, u.status = 'deleted' as user_deleted`.execute(this.background);
    return rows;
  }

  /**
   * In the caller's transaction: stores the next bytes and the state after them. Without effect if another replica has gone
   * on meanwhile.
   */
  async record(row: ExportRow, progress: ExportProgress, bytes: Buffer): Promise<void> {
    const added = bytes.length > 0 ? 1 : 0;
    const { rows } = await sql`
      update user_export set progress = ${JSON.stringify(progress)}::jsonb, chunks = chunks + ${added}
      where id = ${row.id} and status = 'running' and progress = ${JSON.stringify(row.progress)}::jsonb
      returning id`.execute(this.db);
    if (rows.length === 0 || added === 0) return;
    const data = this.cipherOf(row).encrypt(row.chunks, bytes, this.ids.secret(NONCE_BYTES));
    await sql`insert into user_export_chunk (export_id, n, data) values (${row.id}, ${row.chunks}, ${data})`.execute(
      this.db,
    );
  }

  /** In the caller's transaction. @returns whether it was still running */
  async complete({ id }: ExportRow, { sha256, size }: { sha256: string; size: number }): Promise<boolean> {
    const { rows } = await sql`
      update user_export set status = 'completed', completed_at = ${this.clock.now()}, sha256 = ${sha256}, size = ${size}
      where id = ${id} and status = 'running' returning id`.execute(this.db);
    return rows.length > 0;
  }

  /** In the caller's transaction: ends an export without a file. */
  async fail({ id }: ExportRow, error: ExportFault): Promise<void> {
    await sql`
      update user_export set status = 'failed', error = ${error}, sealed_key = null
      where id = ${id} and status = 'running'`.execute(this.db);
    await sql`delete from user_export_chunk where export_id = ${id}`.execute(this.db);
  }

  /** In the caller's transaction. */
  async countTry({ id, progress }: ExportRow): Promise<void> {
    await sql`
      update user_export set progress = jsonb_set(progress, '{tries}', to_jsonb(${progress.tries + 1}::int))
      where id = ${id} and status = 'running'`.execute(this.db);
  }

  async rescheduleAt(id: string, at: Date): Promise<void> {
    await sql`update user_export set look_after = ${at} where id = ${id}`.execute(this.background);
  }

  /** The chunk `n` of the file. In the caller's transaction. */
  async chunk(row: ExportRow, n: number): Promise<Buffer> {
    const { rows } = await sql<{ data: Buffer }>`
      select data from user_export_chunk where export_id = ${row.id} and n = ${n}`.execute(this.db);
    if (!rows[0]) throw new Problem('not-found', { detail: 'The file has been deleted.' });
    return this.cipherOf(row).decrypt(n, rows[0].data);
  }

  /** Deletes the files of expired exports with their keys. @returns their number */
  async expire(limit: number): Promise<number> {
    const { rows } = await sql`
      with due as materialized (
        select id from user_export where sealed_key is not null and expires_at <= ${this.clock.now()}
        order by expires_at limit ${limit} for no key update skip locked),
      gone as (delete from user_export_chunk c using due where c.export_id = due.id)
      update user_export e set sealed_key = null, status = case when status = 'completed' then 'expired' else 'failed' end,
        error = case when status = 'running' then 'internal' else error end
      from due where e.id = due.id returning e.id`.execute(this.background);
    return rows.length;
  }

  private cipherOf({ id, sealed_key: sealed }: ExportRow): ExportCipher {
    if (sealed === null) throw new Problem('not-found', { detail: 'The file has been deleted.' });
    return new ExportCipher(this.encryption.decrypt(sealed, id), id);
  }

  private get db() {
    return this.em.getKysely();
  }

  private get background() {
    return this.em.fork().getKysely();
  }
}
