import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type CatchUpState } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { isoOf } from '../../../common/moments.js';

interface StateRow {
  joining: 'meeting' | 'catching-up' | null;
  joining_since: string | null;
  joining_reopened: number;
  open: number;
  failed: number;
}

const STATES = { meeting: 'waiting', 'catching-up': 'catching-up' } as const;

/**
 * Starts the catch-up of services whose database was restored from a backup. Like new services they first load the directory;
 * then `ServiceOnboardingWorker` publishes the decisions again that the database has lost.
 */
@Injectable()
export class CatchUps {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /**
   * Starts a catch-up. Has no effect if one with an earlier `since` is in progress.
   * @throws Problem `validation`, `not-found`, or `conflict` for a service that is being onboarded and gets everything anyway
   */
  async begin(service: string, since: string): Promise<CatchUpState> {
    const from = this.momentIn(since);
    await this.state(service);
    await sql`
      update service_rules set joining = coalesce(joining, 'meeting'), joining_since = ${from}::timestamptz,
        joining_cursor = null, joining_departure = null, joining_reopened = 0
      where service = ${service} and (joining is null or joining_since > ${from}::timestamptz)`.execute(this.db);
    const state = await this.state(service);
    if (!state.since && state.state !== 'caught-up')
      throw new Problem('conflict', { detail: 'The service is being onboarded and gets all users anyway.' });
    return state;
  }

  /** @throws Problem `not-found` if no such service has declared its rules */
  async state(service: string): Promise<CatchUpState> {
    const { rows } = await sql<StateRow>`
      select r.joining, r.joining_since, r.joining_reopened,
        count(d.id) filter (where d.status = 'running')::int as open, count(d.id) filter (where d.status = 'failed')::int as failed
      from service_rules r left join departure d on d.status in ('running', 'failed') and d.round > 0 and exists (
        select from departure_service s where s.departure_id = d.id and s.service = r.service)
      where r.service = ${service} and r.service <> 'identity' group by r.service`.execute(this.db);
    const [row] = rows;
    if (!row) throw new Problem('not-found', { detail: 'No such service has declared its rules.' });
    return {
      service,
      state: row.joining ? STATES[row.joining] : 'caught-up',
      ...(row.joining_since && { since: isoOf(row.joining_since) }),
      reopened: row.joining_reopened,
      open: row.open,
      failed: row.failed,
    };
  }

  private momentIn(since: string): string {
    const millis = Date.parse(since);
    if (millis <= this.clock.millis()) return new Date(millis).toISOString();
    throw new Problem('validation', { errors: [{ field: 'since', message: 'since must be in the past' }] });
  }

  private get db() {
    return this.em.getKysely();
  }
}
