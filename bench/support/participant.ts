import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { DEPARTURES, ensureStream, JetStreamServer, Publisher, USERS, type Delivery } from '#libs/broker';
import { WorkerContext } from '#libs/jobs';
import { Log, Metrics } from '#libs/observability';
import {
  defaultOf,
  receiptSubject,
  SESSION_BUCKET,
  type Preset,
  type ReceiptBatch,
  type ResolvedRules,
} from '#libs/contracts';
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

/** A service, as far as departures are concerned. */
export interface ServiceParts {
  name: string;
  rules: readonly Rule[];
  entities: readonly AnyEntity[];
  migrations: Migrations;
  forgetting?: Forgetting;
}

class Quiet extends Log {
  override debug(): void {}
  override info(): void {}
  override warn(): void {}
  override error(): void {}
}
export const quiet = new Quiet();
export const clock = new SystemClock();
export const ids = new Ids(clock);
export const workers = new WorkerContext(clock, ids, quiet, new Metrics(clock));

/**
 * The parts with which a service takes part in departures, put together as its module does; but it begins to listen when
 * it is told to, so that a measure can fill the stream before.
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
    this.receipts = new PublishedReceipts(parts.name, new Publisher(nats), ids, quiet, new Metrics(clock));
    this.rules = new RuleSet(parts.name, parts.rules, em);
    this.processor = new EventProcessor(em, this.rules, clock, undefined, parts.forgetting);
    const events = new UserEvents(em, this.processor, this.receipts, clock, ids, quiet);
    this.server = new JetStreamServer({ nats, log: quiet, random: () => ids.fraction() });
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

  /** What works off tasks, or something that watches it. */
  worker<W extends TaskWorker>(type: new (...parts: ConstructorParameters<typeof TaskWorker>) => W): W {
    return new type(this.orm.em, this.rules, this.receipts, workers);
  }

  /** Resolves when so many events have been answered as done or failed. */
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

  /** Stops listening, until there is work again. */
  async pause(): Promise<void> {
    await this.server.close();
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.orm.close(true);
  }
}

/** What a preset says about all of a service's rules. */
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

/** Both streams as they are in the beginning: there, with nothing in them and nobody reading. No session has ended. */
export async function emptyStreams(nats: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(nats, { checkAPI: false });
  for (const stream of [USERS, DEPARTURES]) {
    await manager.streams.delete(stream.name).catch(() => undefined);
    await ensureStream(manager, stream);
  }
  await manager.streams.delete(`KV_${SESSION_BUCKET.name}`).catch(() => undefined);
}
