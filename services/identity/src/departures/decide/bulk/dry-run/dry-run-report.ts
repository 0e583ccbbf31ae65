import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { BulkCounts, BulkDeparture, BulkRowQuery, DryRunItem, PreviewBlocker } from '#libs/contracts';
import { decodeCursor, encodeCursor } from '#libs/database';
import { sql } from 'kysely';
import { isoOf } from '../../../../common/moments.js';
import { PlanTokens } from '../../../plan/token/plan-token.js';
import { DryRunStore } from './dry-run-store.js';
import { factsOfList } from './planned-lists.js';

interface Row {
  n: number;
  user_id: string | null;
  possible: boolean;
  blockers: PreviewBlocker[];
  row_count: string;
}

/** Up to nine digits: the number of a row is an `integer` of PostgreSQL. */
const ROW_NUMBER = /^[1-9]\d{0,8}$/;

/** Reports the results of dry runs. */
@Injectable()
export class DryRunReport {
  constructor(
    private readonly em: EntityManager,
    private readonly store: DryRunStore,
    private readonly tokens: PlanTokens,
  ) {}

  /** Undefined if the account has no such dry run. @throws Problem `invalid-cursor` */
  async find(
    accountId: string,
    id: string,
    { limit = 1_000, cursor, possible }: BulkRowQuery,
  ): Promise<BulkDeparture | undefined> {
    const dryRun = await this.store.find(accountId, id);
    if (!dryRun) return undefined;
    const counts = await this.count(id);
    const after = cursor ? Number(decodeCursor(cursor, ROW_NUMBER)) : 0;
    const rows = await this.rows(id, { after, limit, possible });
    return {
      id,
      status: dryRun.counted ? 'completed' : 'running',
      dryRun: true,
      transition: dryRun.transition,
      requestedAt: isoOf(dryRun.requested_at),
      expiresAt: isoOf(dryRun.expires_at),
      counts,
      rows: [],
      totals: dryRun.totals,
      items: rows.slice(0, limit).map(toItem),
      ...(dryRun.counted && { planToken: this.tokens.issue({ facts: factsOfList(id) }) }),
      nextCursor: rows.length > limit ? encodeCursor(String(rows[limit - 1]!.n)) : null,
    };
  }

  private async count(id: string): Promise<BulkCounts> {
    const { rows } = await sql<Pick<BulkCounts, 'total' | 'waiting' | 'accepted' | 'refused'>>`
      select count(*)::int as total, (count(*) filter (where possible is null))::int as waiting,
        (count(*) filter (where possible))::int as accepted, (count(*) filter (where not possible))::int as refused
      from bulk_dry_run_row where dry_run_id = ${id}`.execute(this.em.getKysely());
    return { ...rows[0]!, completed: 0, failed: 0 };
  }

  private async rows(
    id: string,
    { after, limit, possible = null }: { after: number; limit: number; possible?: boolean | null },
  ): Promise<Row[]> {
    const { rows } = await sql<Row>`
      select n, user_id, possible, blockers, row_count from bulk_dry_run_row
      where dry_run_id = ${id} and n > ${after} and possible is not null
        and (${possible}::boolean is null or possible = ${possible}::boolean)
      order by n limit ${limit + 1}`.execute(this.em.getKysely());
    return rows;
  }
}

const toItem = ({ n, user_id: userId, possible, blockers, row_count }: Row): DryRunItem => ({
  row: n,
  userId,
  possible,
  blockers,
  count: Number(row_count),
});
