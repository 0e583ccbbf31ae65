import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Clock, relationOf } from '#libs/database';
import { sql } from 'kysely';
import { STATE, type ServiceState, type ServiceStateSummary } from './receipt-lines.js';

/** The error of a service that has completed its rules but whose proof found remaining rows. */
export const REMAINING = 'remaining';

/** The states of services in departures. Only the store writes them. */
@Injectable()
export class ServiceStates {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /** Reads the states, identity's first, then by name. */
  async of(departureIds: readonly string[], services?: readonly string[]): Promise<ServiceState[]> {
    if (departureIds.length === 0) return [];
    const { rows } = await sql<ServiceState>`
      select departure_id, service, status, error, failure, round, rules, updated_at from departure_service
      where departure_id = any(${[...departureIds]}::uuid[])
        ${services ? sql`and service = any(${[...services]}::text[])` : sql``}
      order by departure_id, service <> 'identity', service`.execute(this.em.getKysely());
    return rows;
  }

  /** The same without the receipt lines, which are most of the data. */
  async summariesOf(departureIds: readonly string[]): Promise<ServiceStateSummary[]> {
    if (departureIds.length === 0) return [];
    const { rows } = await sql<ServiceStateSummary>`
      select departure_id, service, status, error, failure, updated_at from departure_service
      where departure_id = any(${[...departureIds]}::uuid[])
      order by departure_id, service <> 'identity', service`.execute(this.em.getKysely());
    return rows;
  }

  /** The names of the services of each departure, without those that have been retired. */
  async namesOf(departureIds: readonly string[]): Promise<Pick<ServiceState, 'departure_id' | 'service'>[]> {
    const { rows } = await sql<Pick<ServiceState, 'departure_id' | 'service'>>`
      select departure_id, service from departure_service where departure_id = any(${[...departureIds]}::uuid[])
        and service not in (select service from retired_service)`.execute(this.em.fork().getKysely());
    return rows;
  }

  /** Adds these services as pending. A retired one that is back starts anew. */
  async insert(departureIds: readonly string[], services: readonly string[], round = 0): Promise<void> {
    if (departureIds.length === 0) return;
    await sql`
      insert into departure_service (departure_id, service, status, round, updated_at)
      select d, s, 'pending', ${round}, ${this.clock.now()}::timestamptz
      from unnest(${[...departureIds]}::uuid[]) d cross join unnest(${[...services]}::text[]) s
      on conflict (departure_id, service) do update
        set status = excluded.status, round = excluded.round, updated_at = excluded.updated_at, rules = '[]'`.execute(
      this.em.getKysely(),
    );
  }

  /** @param answered whether to set the time of the service's last answer; false for a proof */
  async write(states: readonly ServiceState[], { answered }: { answered: boolean }): Promise<void> {
    if (states.length === 0) return;
    await sql`
      update departure_service s set status = n.status, error = n.error, failure = n.failure, round = n.round, rules = n.rules
        ${answered ? sql`, updated_at = ${this.clock.now()}` : sql``}
      from ${relationOf('n', states, STATE)} where s.departure_id = n.departure_id and s.service = n.service`.execute(
      this.em.getKysely(),
    );
  }

  async supersede(departureIds: readonly string[]): Promise<void> {
    if (departureIds.length === 0) return;
    await sql`
      update departure_service set status = 'superseded', updated_at = ${this.clock.now()}
      where departure_id = any(${[...departureIds]}::uuid[]) and status in ('pending', 'running', 'failed')`.execute(
      this.em.getKysely(),
    );
  }
}
