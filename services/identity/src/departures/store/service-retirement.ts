import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { AfterCommit, Clock } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../../audit/audit.js';
import { DepartureSignals } from './departure-signals.js';
import { CHANGE, TransitionLog, type Change, type ProgressEvent } from './transition-log.js';

export const BY_OPERATOR = { system: 'operator' };

/** Takes retired services out of open departures, which then do not wait for them any more. */
@Injectable()
export class ServiceRetirement {
  constructor(
    private readonly em: EntityManager,
    private readonly log: TransitionLog,
    private readonly audit: Audit,
    private readonly afterCommit: AfterCommit,
    private readonly signals: DepartureSignals,
    private readonly clock: Clock,
  ) {}

  /** @returns the number of changed departures, at most `limit` */
  async takeOut(service: string, limit: number): Promise<number> {
    const db = this.em.getKysely();
    const { rows } = await sql<{ id: string }>`
      select d.id from departure d where d.status in ('running', 'failed') and exists (
        select from departure_service s where s.departure_id = d.id and s.service = ${service}
          and s.status in ('pending', 'running', 'failed'))
      order by d.id limit ${limit} for no key update of d`.execute(db);
    const ids = rows.map(({ id }) => id);
    if (ids.length === 0) return 0;
    await sql`
      update departure_service set status = 'retired', error = null, failure = null, updated_at = ${this.clock.now()}
      where departure_id = any(${ids}::uuid[]) and service = ${service}`.execute(db);
    const { rows: changes } = await sql<Change>`
      update departure d set total = d.total - 1, close_after = '-infinity', events = d.events + 2, status = n.status
      from (select s.departure_id, case when bool_or(s.status = 'failed') then 'failed' else 'running' end as status
        from departure_service s where s.departure_id = any(${ids}::uuid[]) group by s.departure_id) n
      where d.id = n.departure_id returning ${CHANGE}`.execute(db);
    const progress = ids.map((departureId): ProgressEvent => {
      return { departureId, type: 'service', data: { service, status: 'retired' } };
    });
    await this.log.record(changes, progress);
    await this.audit.append(
      changes.map(({ id: departureId, account_id: accountId, user_id: subjectId }) => ({
        accountId,
        action: 'departure.service-retired',
        ...BY_OPERATOR,
        subjectId,
        detail: { departureId, service },
      })),
    );
    this.afterCommit.run(async () => void this.signals.emit('answered'));
    return ids.length;
  }
}
