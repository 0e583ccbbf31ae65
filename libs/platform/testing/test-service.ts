import { sql } from 'kysely';
import { EntityManager } from '@mikro-orm/postgresql';
import type { Type } from '@nestjs/common';
import type { CallArguments } from '#libs/broker';
import type { Class, Operation, Principal, Role, UserStatus } from '#libs/contracts';
import { fingerprint, Ids, migrate, TestClock, type Migrations } from '#libs/database';
import { startService, type BaseConfig, type RunningService } from '#libs/platform';
import { IdentityStandIn } from './identity-stand-in.js';
import { serviceKeys, testBroker, testDatabase, type TestBroker, type TestDatabase } from '#libs/test-kit';
import { TestCalls } from './test-calls.js';
import { TokenIssuer } from './token-issuer.js';
import { wakeOnAdvance } from './wake-on-advance.js';

export interface TestServiceOptions {
  name: string;
  module: Type;
  migrations: Migrations;
  config?: Class<BaseConfig>;
  env?: Record<string, string>;
  /** Whether a stand-in answers for identity what users are like now. */
  identity?: boolean;
}

type Asked<B extends object, Q extends object> = Omit<CallArguments<B, Q>, 'principal'>;

/**
 * A complete service with its own database and broker, called as the gateway calls it. The identity service is not
 * running; a stand-in can answer what users are like now.
 */
export class TestService {
  readonly ids: Ids;

  private constructor(
    readonly service: RunningService,
    readonly broker: TestBroker,
    readonly database: TestDatabase,
    readonly clock: TestClock,
    /** Calls the service as others do. */
    readonly client: TestCalls,
    private readonly issuer: TokenIssuer,
    private readonly standIn: IdentityStandIn | undefined,
  ) {
    this.ids = new Ids(clock);
  }

  static async start({ name, module, migrations, config, env, identity }: TestServiceOptions): Promise<TestService> {
    const clock = new TestClock();
    const [broker, database] = await Promise.all([
      testBroker(),
      testDatabase({
        name,
        migrate: async (ownerUrl) => void (await migrate(ownerUrl, migrations)),
        fingerprint: fingerprint(migrations),
      }),
    ]);
    const settings = {
      DATABASE_URL: database.url,
      NATS_URL: broker.url,
      LOG_LEVEL: 'silent',
      ...serviceKeys(name),
      ...env,
    };
    const issuer = await TokenIssuer.start(broker.url, clock);
    const service = await startService({ name, module, config, env: settings, clock });
    wakeOnAdvance(clock, service);
    const em = () => service.app.get(EntityManager, { strict: false }).fork();
    const standIn = identity ? await IdentityStandIn.start(broker.url, em) : undefined;
    const client = await TestCalls.connect(broker.url, (principal) => issuer.signed(principal));
    return new TestService(service, broker, database, clock, client, issuer, standIn);
  }

  /** The stand-in for identity. @throws Error if the service was started without it */
  get identity(): IdentityStandIn {
    if (!this.standIn) throw new Error('there is no stand-in for identity');
    return this.standIn;
  }

  async stop(): Promise<void> {
    await this.standIn?.close();
    await this.service.close();
    await Promise.all([this.client.close(), this.issuer.close()]);
    await Promise.all([this.database.drop(), this.broker.stop()]);
  }

  get<T>(type: Type<T> | (abstract new (...args: never[]) => T)): T {
    return this.service.app.get(type, { strict: false });
  }

  /** A new unit of work outside of any call. */
  em(): EntityManager {
    return this.get(EntityManager).fork();
  }

  /** Creates a user in the directory, as identity's events would. */
  async person(
    more: { accountId?: string; roles?: readonly Role[]; status?: UserStatus; name?: string; staffId?: string } = {},
  ): Promise<Principal> {
    const { accountId = this.ids.next(), roles = ['agent'], status = 'active', name = 'Robin Example' } = more;
    const userId = this.ids.next();
    const isManager = roles.some((role) => role !== 'agent');
    await sql`
      insert into directory (user_id, account_id, name, staff_id, status, seq, lifecycle_version, is_manager, user_created_at)
      values (${userId}, ${accountId}, ${name}, ${more.staffId ?? null}, ${status}, 1, 1, ${isManager}, ${this.clock.now()})`.execute(
      this.em().getKysely(),
    );
    return { accountId, userId, roles };
  }

  /** @throws Problem as the service answers */
  call<B extends object, Q extends object, A>(
    principal: Principal,
    operation: Operation<B, Q, A>,
    ...[call]: object extends Asked<B, Q> ? [Asked<B, Q>?] : [Asked<B, Q>]
  ): Promise<A> {
    return this.client.call(operation, { ...call, principal } as CallArguments<B, Q>);
  }
}
