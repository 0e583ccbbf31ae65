import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { isoOf } from '../../../common/moments.js';
import { SYSTEM } from '../departure-store.js';
import { CHANGE, TransitionLog, type Change } from '../transition-log.js';

/** The notices that the policy will delete a user. Each scheduled erasure has one, before it is carried out. */
@Injectable()
export class ErasureNotices {
  constructor(
    private readonly em: EntityManager,
    private readonly log: TransitionLog,
    private readonly clock: Clock,
  ) {}

  /** @returns an account in which a notice is due */
  async dueAccount(): Promise<string | undefined> {
    const { rows } = await sql<{ account_id: string }>`
      select account_id from departure where status = 'scheduled' and notice_at <= ${this.clock.now()}
      order by notice_at limit 1`.execute(this.em.getKysely());
    return rows[0]?.account_id;
  }

  /** Gives the notices of one account that are due. Call it after the account's lock. */
  async give(accountId: string, limit: number): Promise<void> {
    const { rows } = await sql<{ id: string }>`
      select id from departure
      where account_id = ${accountId} and status = 'scheduled' and notice_at <= ${this.clock.now()}
      order by id limit ${limit}`.execute(this.em.getKysely());
    await this.giveTo(rows.map(({ id }) => id));
  }

  /** Gives the notices of those of these departures that are to have one and have not had it. */
  async giveTo(departureIds: readonly string[]): Promise<void> {
    if (departureIds.length === 0) return;
    const { rows } = await sql<Change & { effective_at: string }>`
      update departure d set notice_at = null
      where d.id = any(${[...departureIds]}::uuid[]) and d.status = 'scheduled' and d.notice_at is not null
      returning ${CHANGE}, d.effective_at`.execute(this.em.getKysely());
    const days = new Map(rows.map(({ id, effective_at: effectiveAt }) => [id, isoOf(effectiveAt)]));
    await this.log.record(rows, [], {
      by: SYSTEM,
      action: 'departure.announced',
      news: 'departure.announced',
      detail: ({ id: departureId, transition }) => ({ departureId, transition, effectiveAt: days.get(departureId) }),
    });
  }
}
