import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type KnownService } from '#libs/contracts';
import { AfterCommit, Clock } from '#libs/database';
import { Outbox } from '#libs/outbox';
import { sql } from 'kysely';
import { Audit } from '../../../audit/audit.js';
import { isoOf } from '../../../common/moments.js';
import { BY_OPERATOR } from '../../store/service-retirement.js';
import { ServiceRetirementWorker } from './service-retirement.worker.js';

interface ServiceRow {
  service: string;
  rules: number;
  heard_at: string | null;
  joining: string | null;
  retired_at: string | null;
  dropped: string[];
  dropped_at: string | null;
  open: number;
  oldest: string | null;
}

/** The services that have declared rules. An operator can retire one that will not come back. */
@Injectable()
export class Services {
  constructor(
    private readonly em: EntityManager,
    private readonly outbox: Outbox,
    private readonly audit: Audit,
    private readonly worker: ServiceRetirementWorker,
    private readonly afterCommit: AfterCommit,
    private readonly clock: Clock,
  ) {}

  /** All services, and what waits for each. */
  async list(): Promise<KnownService[]> {
    const { rows } = await sql<ServiceRow>`
      select service, coalesce(jsonb_array_length(r.rules), 0) as rules, r.heard_at, r.joining, g.retired_at,
        coalesce(jsonb_path_query_array(r.dropped, '$[*].id'), '[]') as dropped, r.dropped_at,
        coalesce(w.open, 0)::int as open, w.oldest
      from service_rules r full join retired_service g using (service) left join (
        select s.service, count(*) as open, min(coalesce(d.begun_at, d.effective_at)) as oldest
        from departure d join departure_service s on s.departure_id = d.id
        where d.status in ('running', 'failed') and s.status in ('pending', 'running', 'failed')
        group by s.service) w using (service)
      order by service <> 'identity', service`.execute(this.em.getKysely());
    return rows.map(({ service, rules, heard_at, joining, retired_at, dropped, dropped_at, open, oldest }) => ({
      service,
      rules,
      ...(heard_at && { heardAt: isoOf(heard_at) }),
      ...(joining && { joining: true }),
      ...(retired_at && { retiredAt: isoOf(retired_at) }),
      ...(dropped.length > 0 && { dropped }),
      ...(dropped_at && { droppedAt: isoOf(dropped_at) }),
      open,
      ...(oldest && { oldestSince: isoOf(oldest) }),
    }));
  }

  /**
   * Retires a service: it takes no part in new departures, and open ones do not wait for it. When it declares rules again, it
   * is onboarded like a new one.
   * @throws Problem `not-found`
   */
  async retire(service: string): Promise<KnownService> {
    await this.em.transactional(() => this.takeOff(service));
    return (await this.list()).find((one) => one.service === service)!;
  }

  /**
   * Confirms that rules end which the service has dropped. Departures that wait for them get the service's answer again.
   * @param rules the ids that the operator has seen
   * @throws Problem `not-found`; `conflict` if the service has dropped others
   */
  async confirm(service: string, rules: readonly string[]): Promise<KnownService> {
    await this.em.transactional(async () => {
      const db = this.em.getKysely();
      const { rows } = await sql<{ dropped: string[] }>`
        select jsonb_path_query_array(dropped, '$[*].id') as dropped from service_rules
        where service = ${service} for no key update`.execute(db);
      const dropped = rows[0]?.dropped;
      if (!dropped) throw new Problem('not-found', { detail: 'No such service has declared its rules.' });
      if (dropped.length === 0) return;
      if (dropped.some((id) => !rules.includes(id)))
        throw new Problem('conflict', { detail: 'The service has dropped other rules. List them again.' });
      await sql`
        update service_rules set dropped = '[]', dropped_at = null where service = ${service}`.execute(db);
      await this.outbox.repeat(service);
      await this.record('service.rules-ended', { service, rules: dropped });
    });
    return (await this.list()).find((one) => one.service === service)!;
  }

  private async takeOff(service: string): Promise<void> {
    const db = this.em.getKysely();
    const { rows } = await sql`
      delete from service_rules where service = ${service} and service <> 'identity' returning service`.execute(db);
    const isKnown = rows.length > 0 || (await this.list()).some((one) => one.service === service && one.retiredAt);
    if (!isKnown) throw new Problem('not-found', { detail: 'No such service has declared its rules.' });
    await sql`
      insert into retired_service (service, retired_at) values (${service}, ${this.clock.now()})
      on conflict do nothing`.execute(db);
    await this.outbox.release(service);
    if (rows.length > 0) await this.record('service.retired', { service });
    this.afterCommit.run(async () => this.worker.wake());
  }

  /** In the trail of every account. */
  private async record(action: string, detail: { service: string; rules?: string[] }): Promise<void> {
    const { rows } = await sql<{ id: string }>`select id from account order by id`.execute(this.em.getKysely());
    await this.audit.append(rows.map(({ id }) => ({ accountId: id, action, ...BY_OPERATOR, detail })));
  }
}
