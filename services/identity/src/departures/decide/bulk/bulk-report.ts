import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  Problem,
  type ActionInput,
  type BulkCounts,
  type BulkDeparture,
  type BulkRow,
  type BulkRowQuery,
  type BulkRowStatus,
  type CalledOffDeparture,
  type ProblemCode,
  type LeavingTransition,
  type Telling,
} from '#libs/contracts';
import { decodeCursor, encodeCursor } from '#libs/database';
import { sql } from 'kysely';
import { isoOf } from '../../../common/moments.js';
import { approvalFactsOf, approvalOf, type ApprovalFacts } from '../../store/approvals/approval-facts.js';
import { ScheduledSteps } from '../../store/scheduled/scheduled-steps.js';
import { ListPlans } from './approval/list-plans.js';

interface BulkRowOfTable {
  transition: LeavingTransition;
  requested_at: string;
  overrides: Record<string, ActionInput>;
  tell_contacts: Telling | null;
  waits: boolean;
  approval: ApprovalFacts | null;
}

interface Row {
  n: number;
  user_id: string | null;
  status: BulkRowStatus;
  code: ProblemCode | null;
  detail: string | null;
  departure_id: string | null;
}

/** Row statuses that are not final. */
const OPEN: readonly BulkRowStatus[] = ['waiting', 'scheduled', 'running'];

/** Up to nine digits: the number of a row is an `integer` of PostgreSQL. */
const ROW_NUMBER = /^[1-9]\d{0,8}$/;

/** Reports the state of bulk departures and their rows. */
@Injectable()
export class BulkReport {
  constructor(
    private readonly em: EntityManager,
    private readonly scheduled: ScheduledSteps,
    private readonly plans: ListPlans,
  ) {}

  /** @throws Problem `not-found`, also for another account's bulk departure; `invalid-cursor` */
  async get(accountId: string, id: string, { limit = 1_000, cursor, status }: BulkRowQuery): Promise<BulkDeparture> {
    const { rows: bulks } = await sql<BulkRowOfTable>`
      select b.transition, b.requested_at, b.overrides, b.tell_contacts,
        b.status = 'awaiting-approval' as waits, ${approvalFactsOf(sql`b.id`)} as approval
      from bulk_departure b where b.id = ${id} and b.account_id = ${accountId}`.execute(this.db);
    const [bulk] = bulks;
    if (!bulk) throw new Problem('not-found', { detail: 'There is no such bulk departure.' });
    const byStatus = await this.count(id);
    const rows = await this.rows(id, { after: cursor ? Number(decodeCursor(cursor, ROW_NUMBER)) : 0, limit, status });
    const page = rows.slice(0, limit);
    const calledOff = await this.scheduled.calledOffBy(page.flatMap((row) => row.departure_id ?? []));
    return {
      id,
      status: bulk.waits ? 'awaiting-approval' : OPEN.some((one) => byStatus.has(one)) ? 'running' : 'completed',
      transition: bulk.transition,
      requestedAt: isoOf(bulk.requested_at),
      counts: countsOf(byStatus),
      rows: page.map((row) => toRow(row, calledOff.get(row.departure_id ?? ''))),
      ...(bulk.waits && { planToken: await this.plans.tokenOf(accountId, id, bulk) }),
      ...(bulk.waits && bulk.tell_contacts && { tellContacts: bulk.tell_contacts }),
      ...(bulk.approval && { approval: approvalOf(bulk.approval) }),
      nextCursor: rows.length > limit ? encodeCursor(String(rows[limit - 1]!.n)) : null,
    };
  }

  private async count(id: string): Promise<Map<BulkRowStatus, number>> {
    const { rows } = await sql<{ status: BulkRowStatus; count: number }>`
      select ${STATUS} as status, count(*)::int from bulk_departure_row r left join departure d on d.id = r.departure_id
      where r.bulk_id = ${id} group by 1`.execute(this.db);
    return new Map(rows.map((row) => [row.status, row.count]));
  }

  private async rows(
    id: string,
    { after, limit, status = null }: { after: number; limit: number; status?: BulkRowStatus | null },
  ): Promise<Row[]> {
    const { rows } = await sql<Row>`
      select r.n, r.user_id, ${STATUS} as status, r.departure_id,
        coalesce(r.code, d.error) as code, coalesce(r.detail, d.error_detail) as detail
      from bulk_departure_row r left join departure d on d.id = r.departure_id
      where r.bulk_id = ${id} and r.n > ${after} and (${status}::text is null or ${STATUS} = ${status}::text)
      order by r.n limit ${limit + 1}`.execute(this.db);
    return rows;
  }

  private get db() {
    return this.em.getKysely();
  }
}

const STATUS = sql`coalesce(d.status, case when r.code is null then 'waiting' else 'refused' end)`;

function countsOf(byStatus: ReadonlyMap<BulkRowStatus, number>): BulkCounts {
  const total = [...byStatus.values()].reduce((sum, count) => sum + count, 0);
  const of = (status: BulkRowStatus) => byStatus.get(status) ?? 0;
  const [waiting, refused] = [of('waiting'), of('refused')];
  const accepted = total - waiting - refused;
  return { total, waiting, accepted, refused, completed: of('completed'), failed: of('failed') };
}

const toRow = (
  { n, user_id: userId, status, code, detail, departure_id: departureId }: Row,
  calledOff: CalledOffDeparture[] | undefined,
): BulkRow => ({
  row: n,
  userId,
  status,
  ...(code && { code }),
  ...(detail && { detail }),
  ...(departureId && { departureId }),
  ...(calledOff && { calledOff }),
});
