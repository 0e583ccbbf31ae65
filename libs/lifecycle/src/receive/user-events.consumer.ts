import { EntityManager } from '@mikro-orm/postgresql';
import { Controller, Injectable, type Type } from '@nestjs/common';
import { decodeUserEvent, isLifecycleType, UnknownEventType, type Receipt, type UserEvent } from '#libs/contracts';
import { BatchPattern, USERS, type Delivery, type Outcome } from '#libs/broker';
import { safeErrorFields, Log, Metrics, runInContext } from '#libs/observability';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { logDepartures, logFailures } from '../departure-log.js';
import { causeOf, type FailureCause } from '../declare/failure.js';
import { EventProcessor } from './event-processor.js';
import { keyOf } from './decision-application.js';
import { classifyError, type ErrorClass } from '#libs/jobs';
import { Receipts } from '../receipts.js';

/** A message with more deliveries than this may be what crashes the process, so it is handled alone. */
const SUSPICIOUS_DELIVERIES = 3;

/**
 * Batches in progress at the same time: while PostgreSQL works on one, the process decodes the other and sends its
 * receipts. Two batches about the same user wait for each other, and the fence makes either order correct.
 */
export const BATCHES_AT_ONCE = 2;

/** Handles batches of user events from the stream: each event is applied, scheduled for a retry, or dead-lettered. */
@Injectable()
export class UserEvents {
  private readonly unknown;

  constructor(
    private readonly em: EntityManager,
    private readonly processor: EventProcessor,
    private readonly receipts: Receipts,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly log: Log,
    metrics: Metrics,
  ) {
    this.unknown = metrics.counter(
      'leaver_unknown_events_total',
      'User events of a type that only a later version knows. They were ignored.',
    );
  }

  async handle(deliveries: readonly Delivery[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = deliveries.map(() => 'ack');
    const events: UserEvent[] = [];
    const suspects: UserEvent[] = [];
    for (const [index, delivery] of deliveries.entries()) {
      const decoded = decode(delivery);
      if (decoded === 'unknown-type') {
        // A later version of identity has published it. It goes on publishing it until this service is upgraded.
        this.log.warn(
          { deliveries: delivery.deliveries },
          'ignored an event of a type that this version does not know',
        );
        this.unknown.inc();
      } else if ('reason' in decoded) {
        await this.deadLetter(delivery, decoded.reason);
        outcomes[index] = { term: 'undecodable' };
      } else if (decoded.event.tombstone) {
        // This service has applied the decision, as the deletion would not be complete otherwise. One without rules gets the
        // decision itself until it acknowledges it.
        continue;
      } else if (delivery.deliveries > SUSPICIOUS_DELIVERIES) suspects.push(decoded.event);
      else events.push(decoded.event);
    }
    await this.process(events);
    for (const suspect of suspects) await this.process([suspect]);
    return outcomes;
  }

  /**
   * Applies the whole batch; if that fails, applies its halves, until the failing event is alone. Then the event is applied
   * again with its steps isolated, so that only the failing ones wait.
   * @throws TransientFailure
   */
  private async process(events: readonly UserEvent[]): Promise<void> {
    if (events.length === 0) return;
    const [departureId, ...others] = new Set(events.map(({ data }) => data.departure?.id));
    if (departureId && others.length === 0) return runInContext({ departureId }, () => this.applyOrBisect(events));
    return this.applyOrBisect(events);
  }

  private async applyOrBisect(events: readonly UserEvent[]): Promise<void> {
    const [event, ...others] = events;
    let outcome = await this.tryToApply(events);
    if (outcome.failure?.kind === 'retry' && others.length === 0)
      outcome = await this.tryToApply(events, { isolated: true });
    const { receipts, failure } = outcome;
    if (!failure) return this.sendReceipts(receipts);
    if (failure.kind === 'transient') throw new TransientFailure(failure.code);
    if (others.length === 0) return this.retryLater(event!, failure, causeOf(outcome.error));
    const middle = Math.ceil(events.length / 2);
    await this.process(events.slice(0, middle));
    await this.process(events.slice(middle));
  }

  private async tryToApply(
    events: readonly UserEvent[],
    options: { isolated?: boolean } = {},
  ): Promise<{ receipts: Receipt[]; failure?: ErrorClass; error?: unknown }> {
    try {
      return { receipts: await this.processor.apply(events, options) };
    } catch (error) {
      const failure = classifyError(error);
      const { kind: verdict, code } = failure;
      this.log.warn({ events: events.length, ...options, verdict, ...safeErrorFields(error), code }, 'a batch failed');
      return { receipts: [], failure, error };
    }
  }

  private async retryLater(event: UserEvent, verdict: ErrorClass, cause: FailureCause): Promise<void> {
    if (!isLifecycleType(event.type)) return this.deadLetterEvent(event, verdict.code);
    await this.sendReceipts(await this.processor.scheduleRetry(event, verdict, cause));
  }

  private async sendReceipts(receipts: readonly Receipt[]): Promise<void> {
    logDepartures(this.log, 'handled departure events', receipts.flatMap(factsOf));
    logFailures(this.log, receipts);
    await this.receipts.send(receipts);
  }

  /** Stores a message for the operator, without its content if it is about a deleted user. */
  private deadLetter({ subject, data }: Pick<Delivery, 'subject' | 'data'>, reason: string): Promise<void> {
    return this.em.fork().transactional(async (em) => {
      await sql`
        insert into dead_letter (id, subject, data, reason, received_at)
        values (${this.ids.next()}, ${subject}, case when exists (
            select 1 from directory where user_id = ${personIn(subject)}::uuid and status = 'deleted') then ''::bytea
          else ${Buffer.from(data)}::bytea end, ${reason}, ${this.clock.now()})`.execute(em.getKysely());
    });
  }

  /** Stores the ids of a profile that the database rejected. The user's next event carries the whole profile again. */
  private deadLetterEvent(event: UserEvent, reason: string): Promise<void> {
    const { userId, lifecycleVersion } = keyOf(event);
    const { accountId } = event.data;
    const data = Buffer.from(JSON.stringify({ accountId, userId, lifecycleVersion, type: event.type }));
    return this.deadLetter({ subject: event.type, data }, reason);
  }
}

const SUBJECT_OF_PERSON = /^user\.[^.]+\.[^.]+\.([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/;

const personIn = (subject: string): string | null => SUBJECT_OF_PERSON.exec(subject)?.[1] ?? null;

function factsOf({ departureId, type, status, round, rules }: Receipt) {
  const rows = rules.reduce((sum, { affected }) => sum + affected, 0);
  return departureId ? [{ departureId, type, status, round, rules: rules.length, rows }] : [];
}

/** Makes the broker deliver the batch again. `code` is the SQLSTATE, for the log. */
export class TransientFailure extends Error {
  constructor(readonly code: string) {
    super('transient failure');
  }
}

function decode(delivery: Delivery): { event: UserEvent } | { reason: string } | 'unknown-type' {
  try {
    return { event: decodeUserEvent(delivery.data) };
  } catch (error) {
    if (error instanceof UnknownEventType) return 'unknown-type';
    return { reason: error instanceof TypeError ? error.message : 'not JSON' };
  }
}

/** The controller that connects the handler to the service's durable consumer, whose name is a contract. */
export function userEventsController(durable: string): Type {
  @Controller()
  class UserEventsController {
    constructor(private readonly events: UserEvents) {}

    @BatchPattern({ stream: USERS, filter: 'user.>', durable, atOnce: BATCHES_AT_ONCE })
    handle(deliveries: Delivery[]): Promise<Outcome[]> {
      return this.events.handle(deliveries);
    }
  }
  return UserEventsController;
}
