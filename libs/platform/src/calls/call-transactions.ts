import { PREPARE_AGAIN } from '#libs/broker';
import { Problem, type Call, type Operation } from '#libs/contracts';
import { Directory, Ids } from '#libs/database';
import { failpoint, isRetryable } from '#libs/jobs';
import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable, Optional } from '@nestjs/common';
import { IdempotencyKeys, type KeyedCall } from './idempotency.js';

const MAX_ATTEMPTS = 4;
/** After this many preparations the call is refused, because what it depends on keeps changing. */
const MAX_PREPARATIONS = 4;
/**
 * Milliseconds before the second attempt, plus up to as much jitter; each further pause is longer by the same amount.
 */
const PAUSE_MS = 20;

/** A call and the controller's handling of it. */
export interface HandledCall {
  em: EntityManager;
  call: Call;
  /** Undefined for an ask, which has no idempotency key. */
  operation?: Operation;
  /** Calls other services, outside of any transaction. */
  prepare?: (call: Call) => Promise<unknown>;
  /** Works inside the transaction and calls no other service. */
  commit: (prepared: unknown) => Promise<unknown>;
}

/** Runs the preparation and the transaction of a call that changes something. */
@Injectable()
export class CallTransactions {
  constructor(
    private readonly idempotency: IdempotencyKeys,
    private readonly ids: Ids,
    @Optional() private readonly directory?: Directory,
  ) {}

  /**
   * Runs the call. Its changes and its answer under an idempotency key are committed together.
   * @throws Problem `conflict` when the prepared data had changed each time
   */
  async run(handled: HandledCall): Promise<unknown> {
    for (let attempt = 1; attempt <= MAX_PREPARATIONS; attempt++) {
      if (attempt > 1) await this.pause(attempt - 1);
      const answer = await this.attempt(handled);
      if (answer !== PREPARE_AGAIN) return answer;
    }
    throw new Problem('conflict', { detail: 'The data that this depends on keeps changing. Reload it and try again.' });
  }

  private async attempt(handled: HandledCall): Promise<unknown> {
    const { em, call, prepare } = handled;
    if (!prepare) return this.commit(handled, undefined);
    const keyed = keyedCallOf(handled);
    const known = keyed && (await this.idempotency.find(em.fork(), keyed));
    if (known) return known.answer;
    const prepared = await RequestContext.create(em, () => prepare(call));
    return this.commit(handled, prepared);
  }

  private async commit(handled: HandledCall, prepared: unknown): Promise<unknown> {
    const transaction = () => failpoint('call.commit', () => this.transaction(handled, prepared));
    for (let attempt = 1; ; attempt++) {
      try {
        return await (this.directory ? this.directory.withLookup(transaction) : transaction());
      } catch (error) {
        if (error instanceof RolledBack) return PREPARE_AGAIN;
        if (attempt === MAX_ATTEMPTS || !isRetryable(error)) throw error;
        await this.pause(attempt);
      }
    }
  }

  private transaction(handled: HandledCall, prepared: unknown): Promise<unknown> {
    const work = async () => orRollBack(await handled.commit(prepared));
    const keyed = keyedCallOf(handled);
    const { em } = handled;
    return RequestContext.create(em, () =>
      em.transactional((tx) => (keyed ? this.idempotency.once(tx, keyed, work) : work())),
    );
  }

  private async pause(attempt: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * attempt * (1 + this.ids.fraction())));
  }
}

/** Rolls the transaction back when its handler has requested another preparation. */
class RolledBack extends Error {}

function orRollBack(answer: unknown): unknown {
  if (answer === PREPARE_AGAIN) throw new RolledBack();
  return answer;
}

function keyedCallOf({ operation, call: { principal, idempotency } }: HandledCall): KeyedCall | undefined {
  return operation && idempotency ? { operation: operation.id, call: { principal, idempotency } } : undefined;
}
