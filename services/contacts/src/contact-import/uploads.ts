import { IMPORT_CHUNK_BYTES, importContacts, Problem, type Call } from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import type { Db } from '#libs/lifecycle';
import { IdempotencyKeys } from '#libs/platform';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DEFAULT_USER_ID_FIELD } from './heading.js';

/** Milliseconds without a new piece after which an upload fails: the gateway that sent the pieces is gone. */
const ABANDONED_AFTER_MS = 3_600_000;
const INTERRUPTED = 'The upload was interrupted.';

const uploadIsOver = () => new Problem('conflict', { detail: 'This upload is over.' });

/**
 * Receives files piece by piece. A piece is stored before it is acknowledged, so any replica can receive the next one.
 */
@Injectable()
export class Uploads {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly ids: Ids,
    private readonly clock: Clock,
    private readonly idempotency: IdempotencyKeys,
  ) {}

  /** @throws Problem `inactive-user` if the caller has just left */
  async open({
    accountId,
    userId,
    userIdField,
  }: {
    accountId: string;
    userId: string;
    userIdField: string | null;
  }): Promise<string> {
    const [importId, now] = [this.ids.next(), this.clock.now()];
    await this.em.transactional(async (em) => {
      await this.directory.requireActive(accountId, [userId]);
      await sql`
        insert into contact_import (id, account_id, imported_by, user_id_field, status, touched_at, created_at)
        values (${importId}, ${accountId}, ${userId}, ${userIdField ?? DEFAULT_USER_ID_FIELD}, 'uploading', ${now}, ${now})`.execute(
        em.getKysely(),
      );
    });
    return importId;
  }

  /** Opens an upload for a file of an import source. It has no uploading user. */
  async openFrom(
    source: { id: string; accountId: string; userIdField: string | null },
    fileName: string,
  ): Promise<string> {
    const [importId, now] = [this.ids.next(), this.clock.now()];
    await sql`
      insert into contact_import (id, account_id, source_id, file_name, user_id_field, status, touched_at, created_at)
      values (${importId}, ${source.accountId}, ${source.id}, ${fileName}, ${source.userIdField}, 'uploading', ${now}, ${now})`.execute(
      this.em.getKysely(),
    );
    return importId;
  }

  /**
   * Stores piece `n`, counted from 0. A piece that is sent again is ignored.
   * @throws Problem `payload-too-large`, or `conflict` if the piece before is missing or the upload is over
   */
  async append(importId: string, n: number, data: Buffer): Promise<void> {
    if (data.length > IMPORT_CHUNK_BYTES) throw new Problem('payload-too-large');
    await this.em.transactional(async (em) => {
      const db: Db = em.getKysely();
      const { rows } = await sql<{ chunks: number }>`
        select chunks from contact_import where id = ${importId} and status = 'uploading' for update`.execute(db);
      const [upload] = rows;
      if (!upload) throw uploadIsOver();
      if (n < upload.chunks) return;
      if (n > upload.chunks) throw new Problem('conflict', { detail: 'A piece of the file is missing.' });
      await sql`insert into contact_import_chunk (import_id, n, data) values (${importId}, ${n}, ${data})`.execute(db);
      await sql`update contact_import set chunks = ${n + 1}, touched_at = ${this.clock.now()} where id = ${importId}`.execute(
        db,
      );
    });
  }

  /**
   * Marks the file as complete, so that its import starts. Closing it again has no effect.
   * @returns the import of this request. If an earlier request had the same idempotency key, its import is returned and this
   *   file is dropped
   * @throws Problem `idempotency-mismatch` if the key belongs to another request; this file is dropped
   */
  async close(importId: string, idempotency?: Call['idempotency']): Promise<string> {
    if (!idempotency) {
      await this.begin(importId);
      return importId;
    }
    try {
      return await this.em.transactional((em) => this.closeOnce(em, importId, idempotency));
    } catch (error) {
      if (error instanceof Problem && error.code === 'idempotency-mismatch') await this.drop(importId);
      throw error;
    }
  }

  /** The use of the key and the start of the import are committed together. */
  private async closeOnce(
    em: EntityManager,
    importId: string,
    idempotency: NonNullable<Call['idempotency']>,
  ): Promise<string> {
    const { rows } = await sql<{ accountId: string; userId: string; status: string }>`
      select account_id as "accountId", imported_by as "userId", status from contact_import where id = ${importId}`.execute(
      em.getKysely(),
    );
    const [principal] = rows;
    if (!principal) throw uploadIsOver();
    // The upload failed before it was complete, so the key stays unused.
    if (principal.status === 'failed') return importId;
    const keyed = { operation: importContacts.id, call: { principal, idempotency } };
    const begun = (await this.idempotency.once(em, keyed, async () => {
      await this.begin(importId);
      return { importId };
    })) as { importId: string };
    if (begun.importId !== importId) await this.drop(importId);
    return begun.importId;
  }

  private async begin(importId: string): Promise<void> {
    await sql`
      update contact_import set status = 'running', touched_at = ${this.clock.now()}
      where id = ${importId} and status = 'uploading'`.execute(this.em.getKysely());
  }

  /** Removes an upload without a trace in the list of imports. */
  private async drop(importId: string): Promise<void> {
    await sql`delete from contact_import where id = ${importId} and status = 'uploading'`.execute(this.em.getKysely());
  }

  /** Fails an upload that will not be completed. An upload that is complete is not affected. */
  async abort(importId: string, reason = INTERRUPTED): Promise<void> {
    await this.fail(sql`id = ${importId}`, reason);
  }

  /** Fails all uploads that have received no piece for an hour. */
  async abandon(): Promise<void> {
    await this.fail(sql`touched_at < ${new Date(this.clock.millis() - ABANDONED_AFTER_MS)}`, INTERRUPTED);
  }

  private async fail(which: ReturnType<typeof sql>, reason: string): Promise<void> {
    await sql`
      with over as (
        update contact_import set status = 'failed', error = ${reason}, finished_at = ${this.clock.now()}
        where status = 'uploading' and ${which} returning id)
      delete from contact_import_chunk where import_id in (select id from over)`.execute(this.em.fork().getKysely());
  }
}
