import { Injectable } from '@nestjs/common';
import type { AuditEntry, AuditExportFormat, AuditFilter } from '#libs/contracts';
import { csvLine } from '#libs/csv';
import { AuditTrail } from './audit-trail.js';

const PAGE_SIZE = 500;
/** Characters of one answer. The broker takes messages of up to 1 MB, and a character is up to three bytes. */
const MAX_LENGTH = 250_000;

const HEADING = [
  'id',
  'seq',
  'at',
  'action',
  'actorId',
  'actor',
  'system',
  'tokenId',
  'subjectId',
  'subject',
  'detail',
  'scrubbed',
  'hash',
];

interface WantedLines {
  accountId: string;
  format: AuditExportFormat;
  filter: AuditFilter;
  after: string | null;
}

/** Writes the audit trail as lines of a file, newest first, some hundred entries at a time. */
@Injectable()
export class AuditExport {
  constructor(private readonly trail: AuditTrail) {}

  /** The next lines after the entry with this id, with their line breaks. The heading comes with the first ones. */
  async lines({ accountId, format, filter, after }: WantedLines): Promise<{ lines: string; next: string | null }> {
    const entries = await this.trail.entries(accountId, { ...filter, before: after, limit: PAGE_SIZE });
    let lines = after === null && format === 'csv' ? csvLine(HEADING) : '';
    let written = 0;
    for (const entry of entries) {
      if (lines.length >= MAX_LENGTH) break;
      lines += LINE[format](entry);
      written++;
    }
    const isLast = written === entries.length && entries.length < PAGE_SIZE;
    return { lines, next: isLast ? null : entries[written - 1]!.id };
  }
}

const LINE: Readonly<Record<AuditExportFormat, (entry: AuditEntry) => string>> = {
  csv: ({ id, seq, at, action, actor, system, tokenId, subject, detail, scrubbed, hash }) =>
    csvLine([
      id,
      String(seq),
      at,
      action,
      actor?.id ?? '',
      actor?.name ?? '',
      system ?? '',
      tokenId ?? '',
      subject?.id ?? '',
      subject?.name ?? '',
      detail === null ? '' : JSON.stringify(detail),
      String(scrubbed),
      hash,
    ]),
  ndjson: (entry) => `${JSON.stringify(entry)}\n`,
};
