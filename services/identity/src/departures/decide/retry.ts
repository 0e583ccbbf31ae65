import { Injectable } from '@nestjs/common';
import { Problem, type Departure, type Principal } from '#libs/contracts';
import { actorOf } from '../../audit/audit.js';
import { Actors } from '../../user/actors.js';
import { DepartureQueries } from '../store/departure-queries.js';
import { DepartureReopening } from '../store/departure-reopening.js';
import { REMAINING, ServiceStates } from '../store/service-states.js';
import { LocalRules } from './local-rules.js';
import { RepeatedEvents } from './repeated-events.js';

/** Has the services of an open departure that have not finished try again at once, with a new series of tries. */
@Injectable()
export class DepartureRetry {
  constructor(
    private readonly departures: DepartureQueries,
    private readonly states: ServiceStates,
    private readonly reopening: DepartureReopening,
    private readonly repeated: RepeatedEvents,
    private readonly rules: LocalRules,
    private readonly actors: Actors,
  ) {}

  /** @throws Problem `not-found`, `forbidden`, or `conflict` for a departure that is not open */
  async retry(principal: Principal, id: string): Promise<Departure> {
    const { accountId } = principal;
    await this.actors.requireManager(principal);
    const open = await this.departures.get(accountId, id, true);
    if (open.error !== null)
      throw new Problem('conflict', { detail: 'The departure was refused and has not started. Request a new one.' });
    if (open.status !== 'failed' && open.status !== 'running')
      throw new Problem('conflict', { detail: `The departure is ${open.status}: there is nothing to retry.` });
    const departure = { ...open, round: open.round + 1 };
    const before = await this.states.of([id]);
    await this.reopening.restart(departure, actorOf(principal));
    const unfinished = before.filter(
      (state) => state.status !== 'completed' && state.status !== 'retired' && state.error !== REMAINING,
    );
    if (unfinished.length > 0) {
      const [event] = await this.repeated.of([departure]);
      await this.repeated.publish([departure], [event!], unfinished);
      if (unfinished.some((state) => state.service === 'identity')) await this.rules.retry([event!]);
    }
    return this.departures.view(accountId, id);
  }
}
