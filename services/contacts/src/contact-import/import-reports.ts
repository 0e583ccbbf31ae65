import {
  Problem,
  type ContactImport,
  type ContactImportSummary,
  type RejectedRow,
  type UnmatchedRow,
} from '#libs/contracts';
import { Directory } from '#libs/database';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { ContactImport as ContactImportEntity, type ContactImportRow } from './contact-import.entity.js';

/** Reads imports for the API. */
@Injectable()
export class ImportReports {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
  ) {}

  /** @throws Problem `not-found` */
  async one(where: { id: string; accountId?: string; importedBy?: string }): Promise<ContactImport> {
    const row = await this.em.fork().findOne(ContactImportEntity, where);
    if (!row) throw new Problem('not-found');
    const [summary] = await this.summaries([row]);
    return { ...summary!, unmatched: await this.unmatched(row.id), rejected: await this.rejected(row.id) };
  }

  async summaries(rows: readonly ContactImportRow[]): Promise<ContactImportSummary[]> {
    const people = await this.directory.views(rows.map(({ importedBy }) => importedBy));
    return rows.map((row) => ({
      id: row.id,
      status: row.status,
      created: row.created,
      updated: row.updated,
      assigned: row.assigned,
      cleared: row.cleared,
      rowsDone: row.rowsDone,
      unmatchedTotal: row.unmatchedTotal,
      rejectedTotal: row.rejectedTotal,
      error: row.error ?? null,
      importedBy: row.importedBy ? people.get(row.importedBy)! : null,
      source: row.fileName ? { id: row.sourceId ?? null, fileName: row.fileName } : null,
      createdAt: row.createdAt.toISOString(),
      finishedAt: row.finishedAt?.toISOString() ?? null,
    }));
  }

  /**
   * Reads the staff id of a former user from the directory. Deleted users have none there; their label is shown
   * instead.
   */
  private async unmatched(importId: string): Promise<UnmatchedRow[]> {
    const { rows } = await sql<{ row_no: string; value: string | null; user_id: string | null }>`
      select u.row_no, coalesce(u.value, d.staff_id) as value, u.user_id
      from contact_import_unmatched u left join directory d on d.user_id = u.user_id
      where u.import_id = ${importId} order by u.row_no`.execute(this.em.getKysely());
    const nameless = await this.directory.views(rows.flatMap(({ value, user_id }) => (value === null ? user_id : [])));
    return rows.map(({ row_no, value, user_id }) => ({
      row: Number(row_no),
      value: value ?? nameless.get(user_id!)!.name,
    }));
  }

  private async rejected(importId: string): Promise<RejectedRow[]> {
    const { rows } = await sql<{ row_no: string; reason: string }>`
      select row_no, reason from contact_import_rejected where import_id = ${importId} order by row_no`.execute(
      this.em.getKysely(),
    );
    return rows.map(({ row_no, reason }) => ({ row: Number(row_no), reason }));
  }
}
