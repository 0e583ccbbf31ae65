import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { AuditEntry, AuditFilter, AuditQuery, Page } from '#libs/contracts';
import { Directory, pageWindow, toPage } from '#libs/database';
import { sql } from 'kysely';
import { isoOf } from '../common/moments.js';

export interface EntryRow {
  id: string;
  account_id: string;
  seq: number;
  at: string;
  action: string;
  actor_id: string | null;
  system: string | null;
  subject_id: string | null;
  detail: string | null;
  salt: string | null;
  detail_digest: string | null;
  scrubbed: boolean;
  prev_hash: string;
  hash: string;
}

/** Reads the audit trail. */
@Injectable()
export class AuditTrail {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
  ) {}

  async page(accountId: string, query: AuditQuery): Promise<Page<AuditEntry>> {
    const { limit, before } = pageWindow(query);
    return toPage(await this.entries(accountId, { ...query, before, limit: limit + 1 }), query);
  }

  /**
   * Newest first.
   * @param wanted with `before`, those that are older than the entry with this id
   */
  async entries(
    accountId: string,
    { before, limit, ...query }: AuditFilter & { before: string | null; limit: number },
  ): Promise<AuditEntry[]> {
    const { rows } = await sql<EntryRow>`
      select e.*, e.seq::float8 as seq from audit_entry e
      where e.account_id = ${accountId} and (${before}::uuid is null or e.id < ${before}::uuid)
        and (${query.actorId ?? null}::uuid is null or e.actor_id = ${query.actorId ?? null}::uuid)
        and (${query.subjectId ?? null}::uuid is null or e.subject_id = ${query.subjectId ?? null}::uuid)
        and (${query.action ?? null}::text is null or e.action = ${query.action ?? null}::text)
        and (${query.from ?? null}::timestamptz is null or e.at >= ${query.from ?? null}::timestamptz)
        and (${query.to ?? null}::timestamptz is null or e.at < ${query.to ?? null}::timestamptz)
      order by e.id desc limit ${limit}`.execute(this.em.getKysely());
    const people = await this.directory.views(rows.flatMap((row) => [row.actor_id, row.subject_id]));
    return rows.map((row) => ({
      id: row.id,
      seq: row.seq,
      at: isoOf(row.at),
      action: row.action,
      actor: people.get(row.actor_id ?? '') ?? null,
      ...systemOf(row.system),
      subject: people.get(row.subject_id ?? '') ?? null,
      detail: row.detail === null ? null : (JSON.parse(row.detail) as Record<string, unknown>),
      scrubbed: row.scrubbed,
      hash: row.hash,
    }));
  }
}

/** An identity provider is stored with the token that it used, `scim:<id>`, so that the chain covers the token. */
function systemOf(stored: string | null): Pick<AuditEntry, 'system' | 'tokenId'> {
  if (stored === null) return { system: null, tokenId: null };
  const [part, tokenId = null] = stored.split(':');
  return { system: `system (${part})`, tokenId };
}
