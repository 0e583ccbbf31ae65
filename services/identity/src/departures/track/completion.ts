import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ReceiptLine } from '#libs/contracts';
import type { Broken } from '../plan/rule-services.js';
import { DepartureAnswers, type AnsweredDeparture } from '../store/departure-answers.js';
import { keyOf, type ServiceState } from '../store/receipt-lines.js';
import { REMAINING, ServiceStates } from '../store/service-states.js';

/** Completes or fails departures according to the proofs. */
@Injectable()
export class Completion {
  constructor(
    private readonly em: EntityManager,
    private readonly answers: DepartureAnswers,
    private readonly states: ServiceStates,
  ) {}

  /** The departures by service that has to prove them. */
  async servicesOf(answered: readonly AnsweredDeparture[]): Promise<Map<string, AnsweredDeparture[]>> {
    const byId = new Map(answered.map((departure) => [departure.id, departure]));
    const states = await this.states.namesOf([...byId.keys()]);
    const services = Map.groupBy(states, (state) => state.service);
    return new Map([...services].map(([service, its]) => [service, its.map((row) => byId.get(row.departure_id)!)]));
  }

  /**
   * Completes departures without remaining rows; the others fail, and their lines get the number of remaining rows. Skips
   * departures that have been superseded or reopened in the meantime.
   * @param broken rules with remaining rows, by service
   */
  async complete(
    answered: readonly AnsweredDeparture[],
    broken: ReadonlyMap<string, readonly Broken[]>,
  ): Promise<void> {
    await this.em.fork().transactional(async () => {
      const locked = await this.answers.lockAnswered(answered);
      const unclean = new Set([...broken.values()].flat().map(({ userId }) => userId));
      // After the first round the lines may have counts of an earlier proof.
      const recounted = locked.filter(({ user_id, round }) => round > 0 || unclean.has(user_id));
      const states = await this.states.of(recounted.map(({ id }) => id));
      const userOf = new Map(recounted.map(({ id, user_id }) => [id, user_id]));
      await this.answers.conclude(
        locked,
        states.map((state) => withProof(state, broken.get(state.service) ?? [], userOf.get(state.departure_id)!)),
      );
    });
  }
}

/** The service's state with the number of remaining rows in each line. */
function withProof(state: ServiceState, broken: readonly Broken[], userId: string): ServiceState {
  const own = broken.filter((one) => one.userId === userId);
  const remaining = new Map(own.map((one) => [keyOf(one), one.remaining]));
  const rules = state.rules.map((line): ReceiptLine => ({
    ...line,
    remaining: line.finishedAt ? (remaining.get(keyOf(line)) ?? 0) : null,
  }));
  const clean = own.length === 0;
  return { ...state, rules, status: clean ? state.status : 'failed', error: clean ? state.error : REMAINING };
}
