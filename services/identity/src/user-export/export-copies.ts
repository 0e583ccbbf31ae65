import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { CertifiedCopy } from '#libs/contracts';
import { sql } from 'kysely';
import { isoOf } from '../common/moments.js';

/** The copies that were taken of a user's data. Their digests stay when the files have expired. */
@Injectable()
export class ExportCopies {
  constructor(private readonly em: EntityManager) {}

  /** Oldest first. */
  async of(accountId: string, userId: string): Promise<CertifiedCopy[]> {
    const { rows } = await sql<{ sha256: string; at: string }>`
      select sha256, completed_at as at from user_export
      where account_id = ${accountId} and user_id = ${userId} and sha256 is not null
      order by completed_at, id`.execute(this.em.getKysely());
    return rows.map(({ sha256, at }) => ({ sha256, at: isoOf(at) }));
  }
}
