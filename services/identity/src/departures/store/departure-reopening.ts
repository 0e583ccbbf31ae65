import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ResolvedPolicy } from '#libs/contracts';
import { AfterCommit, Clock, relationOf } from '#libs/database';
import { sql } from 'kysely';
import { Audit, type NewEntry } from '../../audit/audit.js';
import { DepartureSignals } from './departure-signals.js';
import { SYSTEM } from './departure-store.js';
import { REMAINING, ServiceStates } from './service-states.js';
import { CHANGE, TransitionLog, type Change, type ProgressEvent } from './transition-log.js';

interface Round {
  id: string;
  account_id: string;
  user_id: string;
  round: number;
}

/** Starts another round of departures: for a retry, or for a service that is onboarded or catches up. */
@Injectable()
export class DepartureReopening {
  constructor(
    private readonly em: EntityManager,
    private readonly states: ServiceStates,
    private readonly log: TransitionLog,
    private readonly audit: Audit,
    private readonly afterCommit: AfterCommit,
    private readonly signals: DepartureSignals,
    private readonly clock: Clock,
  ) {}

  /**
   * Sets services that have not finished to pending. A service whose proof alone failed stays completed; its proof is
   * repeated.
   */
  async restart(departure: Round, by: Pick<NewEntry, 'actorId' | 'system'>): Promise<void> {
    const { id, round } = departure;
    const { rows: states } = await sql<{ service: string; status: string }>`
      update departure_service set status = case when error = ${REMAINING} then 'completed' else 'pending' end,
        round = case when error = ${REMAINING} then round else ${round} end, error = null, failure = null, updated_at = ${this.clock.now()}
      where departure_id = ${id} and status in ('pending', 'running', 'failed') returning service, status`.execute(
      this.db,
    );
    const { rows: changes } = await sql<Change>`
      update departure d set status = 'running', round = ${round}, close_after = '-infinity', done = n.done,
        events = d.events + ${states.length} + (d.status <> 'running' or d.done <> n.done)::int
      from (select count(*) filter (where s.status = 'completed') as done
        from departure_service s where s.departure_id = ${id}) n
      where d.id = ${id} returning ${CHANGE}`.execute(this.db);
    await this.log.record(
      changes,
      states.map((data): ProgressEvent => ({ departureId: id, type: 'service', data })),
    );
    await this.audit.append([entryOf(departure, 'departure.retried', by, {})]);
    this.afterCommit.run(async () => void this.signals.emit('answered'));
  }

  /** Adds a service to departures that were decided before its onboarding. Each departure's policy includes its rules. */
  async addService(service: string, reopened: readonly (Round & { policy: ResolvedPolicy })[]): Promise<void> {
    const rows = reopened.map(({ id, policy, round }) => ({ id, policy, round }));
    const { rows: changes } = await sql<Change>`
      update departure d set policy = n.policy, round = n.round, total = d.total + 1, completed_at = null,
        announced = false, close_after = '-infinity', events = d.events + 2,
        status = case d.status when 'completed' then 'running' else d.status end
      from ${relationOf('n', rows, { id: 'uuid', policy: 'jsonb', round: 'int' })}
      where d.id = n.id returning ${CHANGE}`.execute(this.db);
    for (const [round, ofRound] of Map.groupBy(rows, (row) => row.round))
      await this.states.insert(
        ofRound.map((row) => row.id),
        [service],
        round,
      );
    await this.record(service, reopened, changes);
  }

  /** Sets a service to pending and deletes its earlier receipt lines. */
  async resetService(service: string, reopened: readonly Round[]): Promise<void> {
    const rounds = relationOf(
      'n',
      reopened.map(({ id, round }) => ({ id, round })),
      { id: 'uuid', round: 'int' },
    );
    await sql`
      update departure_service s set status = 'pending', error = null, failure = null, rules = '[]', round = n.round, updated_at = ${this.clock.now()}
      from ${rounds} where s.departure_id = n.id and s.service = ${service}`.execute(this.db);
    const { rows: changes } = await sql<Change>`
      update departure d set round = n.round, done = n.done, completed_at = null, announced = false, close_after = '-infinity',
        status = n.status, events = d.events + 1 + (n.done <> d.done or n.status <> d.status)::int
      from (select n.id, n.round, count(*) filter (where s.status = 'completed') as done,
            case when bool_or(s.status = 'failed') then 'failed' else 'running' end as status
          from ${rounds} join departure_service s on s.departure_id = n.id group by n.id, n.round) n
      where d.id = n.id returning ${CHANGE}`.execute(this.db);
    await this.record(service, reopened, changes);
  }

  private async record(service: string, reopened: readonly Round[], changes: readonly Change[]): Promise<void> {
    const progress = reopened.map(({ id: departureId }): ProgressEvent => {
      return { departureId, type: 'service', data: { service, status: 'pending' } };
    });
    await this.log.record(changes, progress);
    await this.audit.append(reopened.map((one) => entryOf(one, 'departure.reopened', SYSTEM, { service })));
  }

  private get db() {
    return this.em.getKysely();
  }
}

const entryOf = (
  { id: departureId, account_id: accountId, user_id: subjectId }: Round,
  action: string,
  by: Pick<NewEntry, 'actorId' | 'system'>,
  more: Record<string, unknown>,
): NewEntry => ({ accountId, action, ...by, subjectId, detail: { departureId, ...more } });
