import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Departure, type Principal } from '#libs/contracts';
import { Outbox } from '#libs/outbox';
import { Clock, AfterCommit } from '#libs/database';
import { EventProcessor } from '#libs/lifecycle';
import { sql } from 'kysely';
import { Audit } from '../../audit/audit.js';
import { Actors } from '../../user/actors.js';
import { UserEvents } from '../../user/user-events.js';
import { UserRows } from '../../user/user-rows.js';
import { REMAINING } from '../track/completion.js';
import { CompletionWorker } from '../track/completion.worker.js';
import { DepartureRows, type DepartureRow } from '../store/departure-rows.js';
import { Progress } from '../store/progress.js';
import { ReceiptFolding } from '../track/receipt-folding.js';
import { repeatedEvent } from '../track/repeated-event.js';

/** Has the failed services of a departure try again. What has succeeded is not done again. */
@Injectable()
export class DepartureRetry {
  constructor(
    private readonly em: EntityManager,
    private readonly departures: DepartureRows,
    private readonly users: UserRows,
    private readonly events: UserEvents,
    private readonly outbox: Outbox,
    private readonly processor: EventProcessor,
    private readonly folding: ReceiptFolding,
    private readonly progress: Progress,
    private readonly closing: CompletionWorker,
    private readonly afterCommit: AfterCommit,
    private readonly actors: Actors,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `not-found`, `forbidden`, or `conflict` for a departure that has not failed */
  async retry(principal: Principal, id: string): Promise<Departure> {
    const { accountId, userId } = principal;
    await this.actors.requireManager(principal);
    const departure = await this.departures.get(accountId, id, true);
    if (departure.error !== null)
      throw new Problem('conflict', { detail: 'The departure was refused and has not begun. Ask for a new one.' });
    if (departure.status !== 'failed')
      throw new Problem('conflict', { detail: `The departure is ${departure.status}: there is nothing to retry.` });
    const round = departure.round + 1;
    const states = await this.departures.services([id]);
    const failed = states.filter((state) => state.status === 'failed' && state.error !== REMAINING);
    await this.reopen(id, round);
    if (failed.length > 0) {
      // Those that have not answered yet go on being asked, now in this round.
      const asked = states.filter((state) => state.status !== 'completed' && state.error !== REMAINING);
      await this.republish(
        departure,
        round,
        asked.map((state) => state.service),
      );
    }
    this.afterCommit.run(async () => this.closing.wake());
    await this.audit.append([
      {
        accountId,
        action: 'departure.retried',
        actorId: userId,
        subjectId: departure.user_id,
        detail: { departureId: id },
      },
    ]);
    return this.departures.view(accountId, id);
  }

  /** Where only the proof has failed there is nothing to be done again, but to be counted again. */
  private async reopen(id: string, round: number): Promise<void> {
    const db = this.em.getKysely();
    const { rows } = await sql<{ service: string; status: string }>`
      update departure_service set status = case when error = ${REMAINING} then 'completed' else 'pending' end,
        round = case when error = ${REMAINING} then round else ${round} end, error = null, updated_at = ${this.clock.now()}
      where departure_id = ${id} and status = 'failed' returning service, status`.execute(db);
    const { rows: counts } = await sql<{ done: number; total: number }>`
      update departure d set status = 'running', round = ${round}, close_after = '-infinity', done = (
        select count(*) from departure_service s where s.departure_id = d.id and s.status = 'completed')
      where d.id = ${id} returning d.done, d.total`.execute(db);
    await this.progress.record([
      ...rows.map((data) => ({ departureId: id, type: 'service' as const, data })),
      { departureId: id, type: 'departure', data: { id, status: 'running', progress: counts[0] } },
    ]);
  }

  private async republish(departure: DepartureRow, round: number, services: readonly string[]): Promise<void> {
    const user = await this.users.get(departure.account_id, departure.user_id);
    const event = repeatedEvent(this.events, user, departure, round);
    const targets = services.filter((service) => service !== 'identity');
    if (targets.length > 0) await this.outbox.republish([{ event, targets }]);
    if (services.includes('identity'))
      await this.folding.fold('identity', await this.processor.resumeDecided(this.em.getKysely(), [event]));
  }
}
