import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DepartureTransition } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { noticeDays } from '../../../policy/notice-days.js';
import { erasureDay, noticeDay } from '../../plan/erasure-day.js';
import { DepartureStore, SYSTEM } from '../../store/departure-store.js';
import { ScheduledSteps } from '../../store/scheduled/scheduled-steps.js';
import type { Decision } from '../decision-events.js';

/** Schedules the deletions that the policy wants some days after a deactivation. */
@Injectable()
export class Erasures {
  constructor(
    private readonly em: EntityManager,
    private readonly store: DepartureStore,
    private readonly steps: ScheduledSteps,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /**
   * For users of one account who are deactivated now, do not return and have no scheduled deletion. The day is that of the
   * policy now, and nobody has requested it, so that no leaver takes it along.
   */
  async schedule(transition: DepartureTransition, decisions: readonly Decision[]): Promise<void> {
    const staying = transition === 'deactivated' ? decisions.filter(({ returnAt }) => returnAt === undefined) : [];
    if (staying.length === 0) return;
    const accountId = staying[0]!.user.account_id;
    const { rows } = await sql<{ days: number | null; retention: number; notice: number | null }>`
      select erase_after_days as days, retention_days as retention, erase_announced_days_before as notice
      from account where id = ${accountId}`.execute(this.em.getKysely());
    const { days, retention, notice } = rows[0]!;
    const effectiveAt = erasureDay(this.clock.now(), { eraseAfterDays: days, retentionDays: retention });
    if (effectiveAt === undefined) return;
    const scheduled = await this.steps.of(staying.map(({ user }) => user.id));
    const erased = staying.filter(({ user }) => !scheduled.get(user.id)?.deleted);
    const facts = { transition: 'deleted' as const, effective_at: effectiveAt, reason: null, return_at: null };
    await this.store.schedule(
      erased.map(({ user, departureId }) => ({
        ...facts,
        id: this.ids.next(),
        account_id: user.account_id,
        user_id: user.id,
        requested_by: null,
        wishes: {},
        returns_from: null,
        erases_from: departureId!,
        notice_at: noticeDay(effectiveAt, noticeDays(notice, days)),
      })),
      {
        by: SYSTEM,
        detail: ({ id: departureId }) => ({ departureId, transition: 'deleted', effectiveAt }),
      },
    );
  }
}
