import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Outbox } from '#libs/outbox';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../../../audit/audit.js';
import { DepartureRows, type DepartureRow } from '../../store/departure-rows.js';
import { REMAINING } from '../../track/completion.js';
import { Progress } from '../../store/progress.js';
import { repeatedEvent } from '../../track/repeated-event.js';
import { Catalogue } from '../../../policy/catalogue.js';
import { PolicyService } from '../../../policy/policy.service.js';
import { resolve } from '../../../policy/resolve.js';
import { UserEvents } from '../../../user/user-events.js';
import { UserRows } from '../../../user/user-rows.js';

type Round = Pick<DepartureRow, 'id' | 'round'>;

/**
 * Gives a service that has come later a part in departures that were decided without it, and has one apply again what it
 * has forgotten. In the caller's transaction.
 */
@Injectable()
export class ReopenedDepartures {
  constructor(
    private readonly em: EntityManager,
    private readonly departures: DepartureRows,
    private readonly catalogue: Catalogue,
    private readonly policies: PolicyService,
    private readonly users: UserRows,
    private readonly events: UserEvents,
    private readonly outbox: Outbox,
    private readonly progress: Progress,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /**
   * Opens departures of one account again, for this service: what its rules do follows from the account's policy of today.
   * They are over when it has answered and the proof holds, as always.
   */
  async open(accountId: string, service: string, departures: readonly DepartureRow[]): Promise<void> {
    if (departures.length === 0) return;
    const rules = (await this.catalogue.rules()).filter((rule) => rule.service === service);
    const policy = await this.policies.get(accountId);
    const late = departures.map((departure) => {
      const more = resolve(rules, policy, { steps: departure.steps });
      return {
        ...departure,
        round: departure.round + 1,
        policy: { ...departure.policy, rules: { ...departure.policy.rules, ...more } },
      };
    });
    await this.write(service, late);
    await this.publish(late);
    await this.record(accountId, service, late);
  }

  /** Opens departures of one account again that this service knows nothing of any more; what others did stays done. */
  async reopen(accountId: string, service: string, departures: readonly DepartureRow[]): Promise<void> {
    if (departures.length === 0) return;
    const again = departures.map((departure) => ({ ...departure, round: departure.round + 1 }));
    await this.reset(service, again);
    await this.publish(again);
    await this.record(accountId, service, again);
  }

  private async record(accountId: string, service: string, opened: readonly DepartureRow[]): Promise<void> {
    await this.audit.append(
      opened.map(({ id: departureId, user_id: subjectId }) => ({
        accountId,
        action: 'departure.reopened',
        system: 'departure',
        subjectId,
        detail: { departureId, service },
      })),
    );
  }

  /** What the service had answered does not count any more. */
  private async reset(service: string, again: readonly Round[]): Promise<void> {
    const db = this.em.getKysely();
    const rounds = sql`unnest(${again.map(({ id }) => id)}::uuid[], ${again.map(({ round }) => round)}::int[]) as n (id, round)`;
    await sql`
      update departure_service s set status = 'pending', error = null, rules = '[]', round = n.round, updated_at = ${this.clock.now()}
      from ${rounds} where s.departure_id = n.id and s.service = ${service}`.execute(db);
    const { rows } = await sql<{ id: string; status: string; done: number; total: number }>`
      update departure d set round = n.round, done = n.done, completed_at = null, announced = false, close_after = '-infinity',
        status = case when n.failed then 'failed' else 'running' end
      from (select n.id, n.round, count(*) filter (where s.status = 'completed') as done, bool_or(s.status = 'failed') as failed
        from ${rounds} join departure_service s on s.departure_id = n.id group by n.id, n.round) n
      where d.id = n.id returning d.id, d.status, d.done, d.total`.execute(db);
    await this.recordProgress(service, rows);
  }

  private async write(service: string, late: readonly DepartureRow[]): Promise<void> {
    const db = this.em.getKysely();
    const now = this.clock.now();
    const changes = late.map(({ id, policy, round }) => ({ id, policy, round }));
    const { rows } = await sql<{ id: string; status: string; done: number; total: number }>`
      update departure d set policy = n.policy, round = n.round, total = d.total + 1, completed_at = null,
        announced = false, close_after = '-infinity',
        status = case d.status when 'completed' then 'running' else d.status end
      from jsonb_to_recordset(${JSON.stringify(changes)}::jsonb) as n (id uuid, policy jsonb, round int)
      where d.id = n.id returning d.id, d.status, d.done, d.total`.execute(db);
    await sql`
      insert into departure_service (departure_id, service, status, round, updated_at)
      select n.id, ${service}, 'pending', n.round, ${now}::timestamptz
      from jsonb_to_recordset(${JSON.stringify(changes)}::jsonb) as n (id uuid, round int)`.execute(db);
    await this.recordProgress(service, rows);
  }

  private async recordProgress(
    service: string,
    opened: readonly { id: string; status: string; done: number; total: number }[],
  ): Promise<void> {
    await this.progress.record(
      opened.flatMap(({ id, status, done, total }) => [
        { departureId: id, type: 'service' as const, data: { service, status: 'pending' } },
        { departureId: id, type: 'departure' as const, data: { id, status, progress: { done, total } } },
      ]),
    );
  }

  /** Whoever has not answered yet goes on being asked; whoever has answers again, without doing anything again. */
  private async publish(late: readonly DepartureRow[]): Promise<void> {
    const states = await this.departures.services(late.map((departure) => departure.id));
    const open = states.filter(({ service, status, error }) => {
      return service !== 'identity' && status !== 'completed' && error !== REMAINING;
    });
    const targets = Map.groupBy(open, (state) => state.departure_id);
    const users = await this.users.byIds(late.map((departure) => departure.user_id));
    const byId = new Map(users.map((user) => [user.id, user]));
    await this.outbox.republish(
      late.map((departure) => ({
        event: repeatedEvent(this.events, byId.get(departure.user_id)!, departure, departure.round),
        targets: targets.get(departure.id)!.map((state) => state.service),
      })),
    );
  }
}
