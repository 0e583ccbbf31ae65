import { MikroORM, RequestContext, type EntityManager } from '@mikro-orm/postgresql';
import {
  Problem,
  type Call,
  type DepartureFacts,
  type IdentifierDigests,
  type Profile,
  type Receipt,
  type ResolvedRules,
  type Restore,
  type Role,
  type AppliedTransition,
  type UserEvent,
  type UserEventType,
} from '#libs/contracts';
import type { ServiceClient } from '#libs/broker';
import { WorkerContext } from '#libs/jobs';
import { Log, Metrics } from '#libs/observability';
import {
  asCall,
  assertNoOpenTransaction,
  Clock,
  Directory,
  fingerprint,
  Ids,
  migrate,
  ormOptions,
  scopeOfAccount,
  TestClock,
  type AnyEntity,
  type Migrations,
} from '#libs/database';
import {
  DeadLetters,
  EventProcessor,
  IdentifierLookup,
  Receipts,
  RetryWorker,
  RuleSet,
  RemoteEffectWorker,
  ScheduledActionWorker,
  TaskWorker,
  UserEvents,
  type DigestsByUser,
  type Forgetting,
  type InboxConversion,
  type Rule,
} from '#libs/lifecycle';
import { buildUserEvent, testDatabase, type TestDatabase } from '#libs/test-kit';

/** A service, as far as its rules are concerned. */
export interface ServiceUnderTest {
  name: string;
  entities: readonly AnyEntity[];
  rules: readonly Rule[];
  migrations: Migrations;
  conversion?: (ids: Ids) => InboxConversion;
  forgetting?: Forgetting;
  /** Stands for the other services, if the rules have remote effects. */
  client?: Pick<ServiceClient, 'ask'>;
}

export interface Person {
  accountId: string;
  userId: string;
}

class SilentLog extends Log {
  override debug(): void {}
  override info(): void {}
  override warn(): void {}
  override error(): void {}
}
const silentLog = new SilentLog();

const client = (service: ServiceUnderTest): ServiceClient => {
  const { ask } = service.client ?? { ask: async () => Promise.reject(new Error('no other service')) };
  // The engine only asks.
  return { ask } as unknown as ServiceClient;
};

/** A controller with the constructor parameters of a plain resource. */
type ControllerType<C> = new (em: EntityManager, directory: Directory, ids: Ids, clock: Clock) => C;

/** The call that a method of a controller takes, apart from the caller. Parts that are left out are empty. */
type Given<Method> = Method extends (call: infer K, ...rest: never[]) => unknown
  ? Partial<Omit<K, 'principal'>> & { roles?: readonly Role[] }
  : never;

/** Collects the receipts instead of sending them to identity. */
class CollectedReceipts extends Receipts {
  readonly all: Receipt[] = [];
  /** Whether the broker is down: `send` then collects nothing and returns false. */
  away = false;

  override async send(receipts: readonly Receipt[]): Promise<boolean> {
    assertNoOpenTransaction('receipts');
    if (!this.away) this.all.push(...receipts);
    return !this.away;
  }
}

/** Answers as identity does, from digests that the test sets. */
class KnownDigests extends IdentifierLookup {
  /** Of addresses, by departure. */
  readonly digests = new Map<string, string>();
  /** Of other identifiers, by departure. */
  readonly others = new Map<string, IdentifierDigests[]>();
  /** Whether identity is down. */
  away = false;

  override async of(events: readonly UserEvent[]): Promise<DigestsByUser> {
    assertNoOpenTransaction('digests');
    const asked = events.filter(({ data }) => data.departure?.hasAddress);
    if (this.away) throw new Problem('service-unavailable', { service: 'identity' });
    return new Map(
      asked.map(({ data: { userId, departure } }) => {
        const { id: departureId } = departure!;
        const digest = this.digests.get(departureId);
        const address = digest === undefined ? undefined : { departureId, digest };
        return [userId, { ...(address && { address }), identifiers: this.others.get(departureId) ?? [] }];
      }),
    );
  }
}

/** The engine of one service on its own test database, with a test clock. No broker, no HTTP. */
export class RuleBench {
  readonly clock = new TestClock();
  readonly ids = new Ids(this.clock);
  readonly receipts = new CollectedReceipts();
  readonly addresses = new KnownDigests();
  readonly log: Log = silentLog;
  /** The context for further workers of the service. */
  readonly workers = new WorkerContext(this.clock, this.ids, silentLog, new Metrics(this.clock));
  readonly rules: RuleSet;
  readonly processor: EventProcessor;
  readonly tasks: TaskWorker;
  readonly remote: RemoteEffectWorker;
  readonly scheduled: ScheduledActionWorker;
  readonly retries: RetryWorker;
  /** The consumer of user events. Tests call it in place of the broker. */
  readonly events: UserEvents;
  readonly letters: DeadLetters;

  private constructor(
    readonly orm: MikroORM,
    readonly database: TestDatabase,
    service: ServiceUnderTest,
  ) {
    const { em } = orm;
    this.rules = new RuleSet(service.name, service.rules, em);
    this.processor = new EventProcessor(
      em,
      this.rules,
      this.workers,
      service.conversion?.(this.ids),
      service.forgetting,
      this.addresses,
    );
    const metrics = new Metrics(this.clock);
    this.events = new UserEvents(em, this.processor, this.receipts, this.clock, this.ids, silentLog, metrics);
    this.tasks = new TaskWorker(em, this.rules, this.receipts, this.workers);
    this.remote = new RemoteEffectWorker(em, this.rules, client(service), this.receipts, this.workers);
    this.scheduled = new ScheduledActionWorker(em, this.rules, this.receipts, this.workers);
    this.retries = new RetryWorker(em, this.processor, this.receipts, this.workers);
    this.letters = new DeadLetters(em, this.retries, this.tasks, this.clock, silentLog, this.events);
  }

  static async open(service: ServiceUnderTest): Promise<RuleBench> {
    const database = await testDatabase({
      name: service.name,
      fingerprint: fingerprint(service.migrations),
      migrate: async (ownerUrl) => void (await migrate(ownerUrl, service.migrations)),
    });
    const orm = await MikroORM.init(ormOptions(database.url, service.entities));
    return new RuleBench(orm, database, service);
  }

  async close(): Promise<void> {
    await this.orm.close(true);
    await this.database.drop();
  }

  em(): EntityManager {
    return this.orm.em.fork();
  }

  /** Adds a user to the directory by applying a `user.created` event. */
  async person(more: { accountId?: string; profile?: Partial<Profile> } = {}): Promise<Person> {
    const person = { accountId: more.accountId ?? this.ids.next(), userId: this.ids.next() };
    await this.processor.apply([
      this.event('user.created', person, { seq: 1, lifecycleVersion: 1, profile: more.profile }),
    ]);
    return person;
  }

  /** Adds an admin to the directory, who can be the successor. */
  admin(accountId: string): Promise<Person> {
    return this.person({ accountId, profile: { isManager: true } });
  }

  event(
    type: UserEventType,
    person: Person,
    {
      seq = 2,
      lifecycleVersion = 2,
      profile,
      departure,
    }: {
      seq?: number;
      lifecycleVersion?: number;
      profile?: Partial<Profile>;
      departure?: Partial<DepartureFacts>;
    } = {},
  ): UserEvent {
    const staffId = type === 'user.deleted' ? null : `S-${person.userId.slice(-8)}`;
    return buildUserEvent(this, type, person, { seq, lifecycleVersion, profile: { staffId, ...profile }, departure });
  }

  /** Creates a row through a resource's controller, as `call` does. */
  create(
    controller: ControllerType<{ create(call: Call): Promise<unknown> }>,
    caller: Person,
    body: object,
  ): Promise<{ id: string }> {
    return this.call(controller, 'create', caller, { body }) as Promise<{ id: string }>;
  }

  /**
   * Calls a method of a controller in a transaction of its own and the scope of the account, as for a call from the gateway:
   * `bench.call(CallbackController, 'update', owner, { params: { id }, body: { status: 'done' } })`.
   * @param given `roles` are those of the caller; default: agent
   */
  async call<C, M extends keyof C>(
    controller: ControllerType<C>,
    method: M,
    { accountId, userId }: Person,
    given?: Given<C[M]>,
  ): Promise<unknown> {
    const em = this.orm.em as EntityManager;
    const handlers = new controller(em, new Directory(em), this.ids, this.clock) as Record<M, (call: Call) => unknown>;
    const { roles = ['agent'], ...parts }: Partial<Call> & { roles?: readonly Role[] } = given ?? {};
    const call = { params: {}, query: {}, body: {}, ...parts, principal: { accountId, userId, roles } };
    const handle = () => em.transactional(async () => handlers[method](call));
    return RequestContext.create(em, () => asCall(scopeOfAccount(accountId), handle));
  }

  /** The event of a departure whose policy holds only these rules. */
  leaving(
    person: Person,
    transition: AppliedTransition,
    rules: ResolvedRules,
    more: { lifecycleVersion?: number; departure?: Partial<DepartureFacts>; profile?: Partial<Profile> } = {},
  ): UserEvent {
    const { lifecycleVersion = 2, departure, profile } = more;
    return this.event(`user.${transition}`, person, {
      seq: lifecycleVersion,
      lifecycleVersion,
      profile,
      departure: { policy: { preset: 'crm', version: 1, rules }, ...departure },
    });
  }

  reactivation(person: Person, lifecycleVersion = 3, restore?: Restore): UserEvent {
    const departure = { activeSince: lifecycleVersion, restore };
    return this.event('user.reactivated', person, { seq: lifecycleVersion, lifecycleVersion, departure });
  }
}
