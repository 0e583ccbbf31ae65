import { TestCalls, TokenIssuer } from '../../testing/index.js';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EntityManager } from '@mikro-orm/postgresql';
import { Controller, Injectable, Module } from '@nestjs/common';
import { sql } from 'kysely';
import { Answers, Handles, PREPARE_AGAIN, Prepares, ServiceClient, type Prepared } from '#libs/broker';
import { NOBODY, operation, Problem, Text, type Ask, type CallOf, type Principal } from '#libs/contracts';
import {
  assertNoOpenTransaction,
  DatabaseModule,
  Directory,
  directoryTable,
  domainTypes,
  migrate,
  migration,
  rowsWhere,
  UserLookup,
  type CurrentUser,
} from '#libs/database';
import { serviceKeys, testBroker, testDatabase, type TestBroker, type TestDatabase } from '#libs/test-kit';
import { platformMigrations } from './idempotency.js';
import { startService, type RunningService } from '../service/service.js';

class Order {
  @Text() text: string;
}
class Placed {
  @Text() price: string;
}
const common = { service: 'orders', access: 'signed-in' as const, summary: '', method: 'POST', body: Order } as const;
const place = operation<Placed, Order>({ ...common, id: 'orders.place', path: '/orders', answer: Placed });
const askInside = operation<Placed, Order>({ ...common, id: 'orders.inside', path: '/inside', answer: Placed });
const assign = operation<undefined, Order>({ ...common, id: 'orders.assign', path: '/assign' });
const price: Ask<object, string> = {
  service: 'orders',
  subject: 'rpc.orders.price',
  timeout: 5_000,
  calledBy: ['orders'],
};

/** State outside of the service that the tests change. */
let elsewhere: {
  price: number;
  /** Number of times that the prepared price is outdated when the handler checks it. */
  stale: number;
  failures: string[];
  refusal?: Problem;
  known: string[];
};
let log: string[] = [];

/** Handlers may be inherited, like those of plain resources; the preparation is defined in the subclass. */
class BaseOrders {
  constructor(
    readonly em: EntityManager,
    readonly client: ServiceClient,
    readonly directory: Directory,
  ) {}

  @Handles(place)
  async place({ body }: CallOf<typeof place>, prepared: string): Promise<Placed | typeof PREPARE_AGAIN> {
    log.push(`handles ${prepared} ${this.em.isInTransaction() ? 'inside' : 'outside'}`);
    await sql`insert into placed (text) values (${body.text})`.execute(this.em.getKysely());
    if (elsewhere.stale > 0) {
      elsewhere.stale -= 1;
      elsewhere.price += 1;
      return PREPARE_AGAIN;
    }
    const failure = elsewhere.failures.shift();
    if (failure) throw Object.assign(new Error('again'), { code: failure });
    return { price: prepared };
  }
}

@Controller()
class Orders extends BaseOrders {
  constructor(em: EntityManager, client: ServiceClient, directory: Directory) {
    super(em, client, directory);
  }

  @Prepares(place)
  async priceNow(): Promise<string> {
    log.push(`prepares ${this.em.isInTransaction() ? 'inside' : 'outside'}`);
    if (elsewhere.refusal) throw elsewhere.refusal;
    return this.client.ask(price, {});
  }

  @Handles(askInside)
  async askInside(): Promise<Placed> {
    return { price: await this.client.ask(price, {}) };
  }

  @Prepares(assign)
  async remember({ body }: CallOf<typeof assign>): Promise<{ text: string }> {
    return { text: body.text };
  }

  @Handles(assign)
  async assign({ principal, body }: CallOf<typeof assign>, { text }: Prepared<Orders['remember']>): Promise<void> {
    log.push(`assigns ${text === body.text}`);
    await sql`insert into placed (text) values (${body.text})`.execute(this.em.getKysely());
    await this.directory.requireActive(principal.accountId, [body.text]);
  }

  @Answers(price)
  async price(): Promise<string> {
    return String(elsewhere.price);
  }
}

@Injectable()
class Identity extends UserLookup {
  constructor(private readonly em: EntityManager) {
    super();
  }

  async current(): Promise<CurrentUser[]> {
    return [];
  }

  async load(accountId: string, userIds: string[]): Promise<void> {
    assertNoOpenTransaction('identity');
    log.push(`asks about ${userIds.length}`);
    for (const id of userIds.filter((one) => elsewhere.known.includes(one)))
      await sql`
        insert into directory (user_id, account_id, name, status, seq, lifecycle_version, user_created_at)
        values (${id}, ${accountId}, 'Robin Example', 'active', 1, 1, now())`.execute(this.em.getKysely());
  }
}

@Module({
  imports: [DatabaseModule.forService([], [{ provide: UserLookup, useClass: Identity }])],
  controllers: [Orders],
})
class OrdersModule {}

const migrations = [
  domainTypes,
  directoryTable,
  ...platformMigrations,
  migration('9000-placed', 'create table placed (text text)', rowsWhere('placed', 'true')),
];
let broker: TestBroker;
let database: TestDatabase;
let service: RunningService;
let issuer: TokenIssuer;
let client: TestCalls;

beforeAll(async () => {
  broker = await testBroker();
  database = await testDatabase({
    name: 'prepared',
    migrate: async (ownerUrl) => void (await migrate(ownerUrl, migrations)),
    fingerprint: 'orders that are prepared',
  });
  const env = { DATABASE_URL: database.url, NATS_URL: broker.url, LOG_LEVEL: 'silent', ...serviceKeys('orders') };
  issuer = await TokenIssuer.start(broker.url);
  service = await startService({ name: 'orders', module: OrdersModule, env });
  client = await TestCalls.connect(broker.url, (principal) => issuer.signed(principal));
});

beforeEach(() => {
  elsewhere = { price: 1, stale: 0, failures: [], known: [] };
  log = [];
});

afterAll(async () => {
  await service.close();
  await Promise.all([client.close(), issuer.close()]);
  await database.drop();
  await broker.stop();
});

const me: Principal = {
  ...NOBODY,
  accountId: '0198c000-0000-7000-8000-000000000001',
  userId: '0198c000-0000-7000-8000-000000000002',
};
const placing = (text: string, key?: string) =>
  client.call(place, { principal: me, body: { text }, ...(key && { idempotency: { key, digest: text } }) });
const placed = async (text: string) => {
  const db = service.app.get(EntityManager, { strict: false }).fork().getKysely();
  return (await sql`select from placed where text = ${text}`.execute(db)).rows.length;
};
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (thrown: Problem) => thrown.code,
  );

describe('a prepared call', () => {
  it('is prepared outside of the transaction that handles it', async () => {
    expect(await placing('one')).toEqual({ price: '1' });
    expect(log).toEqual(['prepares outside', 'handles 1 inside']);
  });

  it('is prepared again when the prepared data is outdated, with one effect', async () => {
    elsewhere.stale = 2;
    expect(await placing('anew')).toEqual({ price: '3' });
    expect(log).toEqual([1, 2, 3].flatMap((price) => ['prepares outside', `handles ${price} inside`]));
    expect(await placed('anew')).toBe(1);
  });

  it('is refused without effect if that continues', async () => {
    elsewhere.stale = Infinity;
    expect(await codeOf(placing('hopeless'))).toBe('conflict');
    expect(log.filter((line) => line === 'prepares outside')).toHaveLength(4);
    expect(await placed('hopeless')).toBe(0);
  });

  it('is not handled when its preparation refuses it', async () => {
    elsewhere.refusal = new Problem('forbidden');
    expect(await codeOf(placing('refused'))).toBe('forbidden');
    expect(log).toEqual(['prepares outside']);
  });

  it('keeps its preparation when PostgreSQL asks to retry the transaction', async () => {
    elsewhere.failures = ['40001', '40P01'];
    await placing('conflicting');
    expect(log).toEqual(['prepares outside', ...Array(3).fill('handles 1 inside')]);
    expect(await placed('conflicting')).toBe(1);
  });

  it('cannot be a read', () => {
    const read = operation<Placed>({ ...common, id: 'orders.read', method: 'GET', path: '/orders', answer: Placed });
    expect(() => Prepares(read)).toThrow('orders.read is read-only');
  });

  it('may not call other services in the transaction', async () => {
    expect(await codeOf(client.call(askInside, { principal: me, body: { text: '' } }))).toBe('internal');
  });

  describe('with an idempotency key', () => {
    it('is answered again without a preparation', async () => {
      elsewhere.stale = 1;
      const first = await placing('keyed', 'k1');
      log = [];
      elsewhere.price = 9;
      expect(await placing('keyed', 'k1')).toEqual(first);
      expect(first).toEqual({ price: '2' });
      expect(log).toEqual([]);
    });

    it('is refused without a preparation when the key was used with another request', async () => {
      await placing('this', 'k2');
      log = [];
      expect(await codeOf(placing('that', 'k2'))).toBe('idempotency-mismatch');
      expect(log).toEqual([]);
    });

    it('is prepared again after a failure', async () => {
      elsewhere.refusal = new Problem('conflict');
      expect(await codeOf(placing('retried', 'k3'))).toBe('conflict');
      delete elsewhere.refusal;
      expect(await codeOf(placing('retried', 'k3'))).toBe('ok');
    });

    it('has one effect however often it is sent concurrently', async () => {
      const answers = await Promise.all(Array.from({ length: 10 }, () => placing('at once', 'k4')));
      expect(new Set(answers.map((answer) => answer.price)).size).toBe(1);
      expect(await placed('at once')).toBe(1);
    });
  });
});

describe('a call that names a user who is not in the directory yet', () => {
  const robin = '0198c000-0000-7000-8000-000000000003';
  const stranger = '0198c000-0000-7000-8000-000000000004';
  const assigning = (text: string) => client.call(assign, { principal: me, body: { text } });

  it('is handled again if identity, asked outside of the transaction, knows the user', async () => {
    elsewhere.known = [robin];
    await assigning(robin);
    expect(log).toEqual(['assigns true', 'asks about 1', 'assigns true']);
    expect(await placed(robin)).toBe(1);
    log = [];
    await assigning(robin);
    expect(log).toEqual(['assigns true']);
  });

  it('is refused if identity does not know the user either', async () => {
    await expect(assigning(stranger)).rejects.toMatchObject({ code: 'unknown-user', details: { items: [stranger] } });
    expect(log).toEqual(['assigns true', 'asks about 1', 'assigns true']);
    expect(await placed(stranger)).toBe(0);
  });
});
