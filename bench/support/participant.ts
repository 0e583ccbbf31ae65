import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { DEPARTURES, ensureStream, JetStreamServer, Publisher, USERS, type Delivery } from '#libs/broker';
import { WorkerContext } from '#libs/jobs';
import { Log, Metrics } from '#libs/observability';
import { defaultOf, receiptSubject, type Preset, type ReceiptBatch, type ResolvedRules } from '#libs/contracts';
import { Ids, ormOptions, SystemClock, type AnyEntity, type Migrations } from '#libs/database';
import {
  BATCHES_AT_ONCE,
  EventProcessor,
  Forgetting,
  PublishedReceipts,
  RuleSet,
  TaskWorker,
  UserEvents,
  type Rule,
} from '#libs/lifecycle';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { of } from 'rxjs';

/** The parts of a service that departures need. */
export interface ServiceParts {
  name: string;
  rules: readonly Rule[];
  entities: readonly AnyEntity[];
  migrations: Migrations;
  forgetting?: Forgetting;
}

class SilentLog extends Log {
  override debug(): void {}
  override info(): void {}
  override warn(): void {}
  override error(): void {}
}
export const silentLog = new SilentLog();
export const clock = new SystemClock();
export const ids = new Ids(clock);
export const workers = new WorkerContext(clock, ids, silentLog, new Metrics(clock));

/**
 * The engine of a service, assembled as its module does. It starts to consume only on request, so that a measure can fill the
 * stream first.
 */
export class Participant {
  readonly rules: RuleSet;
  readonly processor: EventProcessor;
  private readonly server: JetStreamServer;
  private readonly receipts: PublishedReceipts;

  private constructor(
    readonly orm: MikroORM,
    private readonly nats: NatsConnection,
    private readonly parts: ServiceParts,
  ) {
    const em = orm.em as EntityManager;
    const metrics = new Metrics(clock);
    this.receipts = new PublishedReceipts(parts.name, new Publisher(nats), ids, silentLog, metrics);
    this.rules = new RuleSet(parts.name, parts.rules, em);
    this.processor = new EventProcessor(em, this.rules, workers, undefined, parts.forgetting);
    const events = new UserEvents(em, this.processor, this.receipts, clock, ids, silentLog, metrics);
    this.server = new JetStreamServer({ nats, log: silentLog, random: () => ids.fraction() });
    const handler = async (batch: Delivery[]) => of(await events.handle(batch));
    this.server.addHandler(`${parts.name}-users`, handler, true, {
      filter: 'user.>',
      stream: USERS,
      atOnce: BATCHES_AT_ONCE,
    });
  }

  static async open(parts: ServiceParts, databaseUrl: string, nats: NatsConnection): Promise<Participant> {
    const orm = await MikroORM.init(ormOptions(databaseUrl, parts.entities));
    return new Participant(orm, nats, parts);
  }

  em(): EntityManager {
    return this.orm.em.fork();
  }

  /** Creates the task worker; a measure can override it to observe the worker. */
  worker<W extends TaskWorker>(type: new (...parts: ConstructorParameters<typeof TaskWorker>) => W): W {
    return new type(this.orm.em, this.rules, this.receipts, workers);
  }

  /** Resolves when this number of events have a completed or failed receipt. */
  async work(events: number): Promise<void> {
    const answered = this.answers(events);
    this.listen();
    await answered;
  }

  listen(): void {
    this.server.listen(() => undefined);
  }

  private answers(events: number): Promise<void> {
    return new Promise((resolve) => {
      let left = events;
      const subscription = this.nats.subscribe(receiptSubject(this.parts.name), {
        callback: (_, message) => {
          left -= message.json<ReceiptBatch>().receipts.length;
          if (left > 0) return;
          subscription.unsubscribe();
          resolve();
        },
      });
    });
  }

  /** Stops consuming until the next `listen`. */
  async pause(): Promise<void> {
    await this.server.close();
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.orm.close(true);
  }
}

/** The preset's policy for all rules of a service. */
export function policyOf(
  { rules }: Pick<Participant, 'rules'>,
  preset: Preset,
  more: ResolvedRules = {},
): ResolvedRules {
  const resolved = rules.describe().map(({ id, transitions }) => {
    const choices = Object.entries(transitions).map(([name, described]) => [name, defaultOf(described, preset)]);
    return [id, Object.fromEntries(choices)];
  });
  return { ...(Object.fromEntries(resolved) as ResolvedRules), ...more };
}

/** Resets both streams to the initial state: empty and without consumers. */
export async function emptyStreams(nats: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(nats, { checkAPI: false });
  for (const stream of [USERS, DEPARTURES]) {
    await manager.streams.delete(stream.name).catch(() => undefined);
    await ensureStream(manager, stream);
  }
}
