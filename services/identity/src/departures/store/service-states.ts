import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Clock, relationOf } from '#libs/database';
import { sql } from 'kysely';
import { STATE, type ServiceState } from './receipt-lines.js';

/** What a service shows as its error when it has done its part and rows still break a promise. */
export const REMAINING = 'remaining';

/** What each service has done of a departure. Written by the store only. */
@Injectable()
export class ServiceStates {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /** identity first, then by name. */
  async of(departureIds: readonly string[], services?: readonly string[]): Promise<ServiceState[]> {
    if (departureIds.length === 0) return [];
    const { rows } = await sql<ServiceState>`
      select departure_id, service, status, error, round, rules from departure_service
      where departure_id = any(${[...departureIds]}::uuid[])
        ${services ? sql`and service = any(${[...services]}::text[])` : sql``}
      order by departure_id, service <> 'identity', service`.execute(this.em.getKysely());
    return rows;
  }

  /** The services that take part, without what they did. */
  async namesOf(departureIds: readonly string[]): Promise<Pick<ServiceState, 'departure_id' | 'service'>[]> {
    const { rows } = await sql<Pick<ServiceState, 'departure_id' | 'service'>>`
      select departure_id, service from departure_service where departure_id = any(${[...departureIds]}::uuid[])`.execute(
      this.em.fork().getKysely(),
    );
    return rows;
  }

  /** All of these services have still to answer. */
  async insert(departureIds: readonly string[], services: readonly string[], round = 0): Promise<void> {
    if (departureIds.length === 0) return;
    await sql`
      insert into departure_service (departure_id, service, status, round, updated_at)
      select d, s, 'pending', ${round}, ${this.clock.now()}::timestamptz
      from unnest(${[...departureIds]}::uuid[]) d cross join unnest(${[...services]}::text[]) s`.execute(
      this.em.getKysely(),
    );
  }

  /** @param answered whether the services have just said so; a proof leaves the time of their last answer as it is */
  async write(states: readonly ServiceState[], { answered }: { answered: boolean }): Promise<void> {
    if (states.length === 0) return;
    await sql`
      update departure_service s set status = n.status, error = n.error, round = n.round, rules = n.rules
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
