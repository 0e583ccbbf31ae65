import { TestCalls, TokenIssuer } from '../../testing/index.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { EntityManager } from '@mikro-orm/postgresql';
import { Controller, Module } from '@nestjs/common';
import { sql } from 'kysely';
import { Answers, Handles, type CallArguments } from '#libs/broker';
import { SERVICES, NOBODY, operation, Problem, Text, type Ask, type CallOf, type Principal } from '#libs/contracts';
import { DatabaseModule, domainTypes, migrate, migration, rowsWhere, TestClock } from '#libs/database';
import { serviceKeys, testBroker, testDatabase, type TestBroker, type TestDatabase } from '#libs/test-kit';
import { IdempotencyKeys, platformMigrations } from './idempotency.js';
import { startService, type RunningService } from '../service/service.js';

class Note {
  @Text() text: string;
}
class Noted {
  @Text() id: string;
}
const declared = { service: 'notes', summary: '', access: 'signed-in' } as const;
const common = { ...declared, method: 'POST', body: Note } as const;
const create = operation<Noted, Note>({ ...common, id: 'notes.create', path: '/notes', answer: Noted });
const createThenFail = operation<Noted, Note>({ ...common, id: 'notes.fail', path: '/fail', answer: Noted });
const createOutside = operation<Noted, Note>({
  ...common,
  id: 'notes.outside',
  path: '/outside',
  answer: Noted,
  ignoresIdempotencyKey: 'What was written stays when it fails.',
});
const conflicting = operation<Noted, Note>({ ...common, id: 'notes.conflicting', path: '/conflicting', answer: Noted });
const inTransaction = operation<Noted>({
  ...declared,
  method: 'GET',
  id: 'notes.read',
  path: '/read',
  answer: Noted,
});
const limits = operation<Noted>({ ...declared, method: 'GET', id: 'notes.limits', path: '/limits', answer: Noted });
const count: Ask<{ text: string }, number> = {
  service: 'notes',
  subject: 'rpc.notes.count',
  timeout: 5_000,
  calledBy: [SERVICES],
};

let failures: unknown[] = [];
const limitsOf = async (em: EntityManager): Promise<string> => {
  const { rows } = await sql<{ all: string }>`
    select concat_ws(', ', current_setting('statement_timeout'), current_setting('lock_timeout'),
      current_setting('idle_in_transaction_session_timeout')) as all`.execute(em.getKysely());
  return rows[0]!.all;
};

@Controller()
class Notes {
  constructor(private readonly em: EntityManager) {}

  @Handles(create)
  async create({ body }: CallOf<typeof create>): Promise<Noted> {
    const { rows } = await sql<Noted>`insert into note (text) values (${body.text}) returning id::text`.execute(
      this.em.getKysely(),
    );
    return rows[0]!;
  }

  @Handles(createThenFail)
  async createThenFail(call: CallOf<typeof create>): Promise<Noted> {
    await this.create(call);
    throw new Problem('conflict');
  }

  @Handles(createOutside, { transaction: false })
  createOutside(call: CallOf<typeof create>): Promise<Noted> {
    return this.createThenFail(call);
  }

  @Handles(conflicting)
  async conflicting(call: CallOf<typeof create>): Promise<Noted> {
    const noted = await this.create(call);
    const failure = failures.shift();
    if (failure)
      await sql`do ${sql.raw(`$$ begin raise exception 'again' using errcode = '${failure}'; end $$`)}`.execute(
        this.em.getKysely(),
      );
    return noted;
  }

  @Handles(inTransaction)
  async inTransaction(): Promise<Noted> {
    return { id: String(this.em.isInTransaction()) };
  }

  @Handles(limits)
  async limits(): Promise<Noted> {
    return { id: await limitsOf(this.em) };
  }

  @Answers(count)
  async count({ text }: { text: string }): Promise<number> {
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from note where text = ${text}`.execute(
      this.em.getKysely(),
    );
    return rows[0]!.n;
  }
}

@Module({ imports: [DatabaseModule.forService([], [])], controllers: [Notes] })
class NotesModule {}

const migrations = [
  domainTypes,
  ...platformMigrations,
  migration(
    '9000-note',
    'create table note (id bigint generated always as identity, text text)',
    rowsWhere('note', 'true'),
  ),
];
const LIMITS = {
  STATEMENT_TIMEOUT_MS: '8000',
  LOCK_TIMEOUT_MS: '7000',
  BACKGROUND_STATEMENT_TIMEOUT_MS: '40000',
  BACKGROUND_LOCK_TIMEOUT_MS: '30000',
  IDLE_IN_TRANSACTION_TIMEOUT_MS: '50000',
};
const clock = new TestClock();
let broker: TestBroker;
let database: TestDatabase;
let service: RunningService;
let issuer: TokenIssuer;
let client: TestCalls;

beforeAll(async () => {
  broker = await testBroker();
  database = await testDatabase({
    name: 'platform',
    migrate: async (ownerUrl) => void (await migrate(ownerUrl, migrations)),
    fingerprint: 'notes with idempotency keys',
  });
  const env = {
    DATABASE_URL: database.url,
    NATS_URL: broker.url,
    LOG_LEVEL: 'silent',
    ...serviceKeys('notes'),
    ...LIMITS,
  };
  issuer = await TokenIssuer.start(broker.url, clock);
  service = await startService({ name: 'notes', module: NotesModule, env, clock });
  client = await TestCalls.connect(broker.url, (principal) => issuer.signed(principal));
});

afterEach(() => {
  failures = [];
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
const aCall = (text: string, overrides: Partial<CallArguments<Note, object>> = {}): CallArguments<Note, object> => ({
  principal: me,
  body: { text },
  ...overrides,
});
const withKey = (text: string, key: string, overrides: Partial<CallArguments<Note, object>> = {}) =>
  aCall(text, { idempotency: { key, digest: text }, ...overrides });
const notes = (text: string) => client.ask(count, { text });
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (thrown: Problem) => thrown.code,
  );

describe('the transaction of a call', () => {
  it('is rolled back when the call fails', async () => {
    expect(await codeOf(client.call(createThenFail, aCall('undone')))).toBe('conflict');
    expect(await notes('undone')).toBe(0);
  });

  it('is committed when the call succeeds', async () => {
    await client.call(create, aCall('done'));
    expect(await notes('done')).toBe(1);
  });

  it('can be disabled, so that writes of a failed call stay', async () => {
    expect(await codeOf(client.call(createOutside, aCall('stays')))).toBe('conflict');
    expect(await notes('stays')).toBe(1);
  });

  it('is not opened for reading', async () => {
    expect(await client.call(inTransaction, { principal: me })).toEqual({ id: 'false' });
  });

  it.each(['40001', '40P01'])('is retried when PostgreSQL asks for it (%s), with one effect', async (sqlState) => {
    failures = [sqlState, sqlState];
    await client.call(conflicting, aCall(`again ${sqlState}`));
    expect(failures).toEqual([]);
    expect(await notes(`again ${sqlState}`)).toBe(1);
  });

  it('is not retried endlessly, nor for any other error', async () => {
    failures = Array(10).fill('40001');
    expect(await codeOf(client.call(conflicting, aCall('hopeless')))).toBe('internal');
    expect(failures).toHaveLength(6);
    failures = ['23514', '23514'];
    expect(await codeOf(client.call(conflicting, aCall('hopeless')))).toBe('internal');
    expect(failures).toHaveLength(1);
  });
});

describe('the time limits of statements', () => {
  it('are those of the settings, shorter for calls than for background work', async () => {
    const em = service.app.get(EntityManager, { strict: false });
    for (let n = 0; n < 2; n++) {
      expect(await client.call(limits, { principal: me })).toEqual({ id: '8s, 7s, 50s' });
      expect(await limitsOf(em.fork())).toBe('40s, 30s, 50s');
    }
  });

  it.each(['57014', '55P03'])('make a call unavailable (%s), which clients may repeat', async (sqlState) => {
    failures = [sqlState];
    const failure = await client.call(conflicting, aCall(`late ${sqlState}`)).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'service-unavailable', details: { service: 'notes' } });
    expect(await notes(`late ${sqlState}`)).toBe(0);
  });
});

describe('an idempotency key', () => {
  it('sent twenty times concurrently has one effect and one answer', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => client.call(create, withKey('once', 'k1'))));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect(await notes('once')).toBe(1);
  });

  it('is refused with another request', async () => {
    await client.call(create, withKey('first', 'k2'));
    expect(await codeOf(client.call(create, withKey('second', 'k2')))).toBe('idempotency-mismatch');
    expect(await notes('second')).toBe(0);
  });

  it('is scoped to one user, one account and one operation', async () => {
    await client.call(create, withKey('mine', 'k3'));
    const colleague = { ...me, userId: '0198c000-0000-7000-8000-000000000003' };
    const stranger = { ...me, accountId: '0198c000-0000-7000-8000-000000000009' };
    expect(await codeOf(client.call(create, withKey('mine', 'k3', { principal: colleague })))).toBe(
      'idempotency-mismatch',
    );
    expect(await codeOf(client.call(create, withKey('mine', 'k3', { principal: stranger })))).toBe('ok');
    expect(await codeOf(client.call(conflicting, withKey('mine', 'k3')))).toBe('ok');
    expect(await notes('mine')).toBe(3);
  });

  it('can be reused after a failed call', async () => {
    failures = ['23514'];
    expect(await codeOf(client.call(conflicting, withKey('retried', 'k4')))).toBe('internal');
    expect(await codeOf(client.call(conflicting, withKey('retried', 'k4')))).toBe('ok');
    expect(await notes('retried')).toBe(1);
  });

  it('expires after a day', async () => {
    const first = await client.call(create, withKey('daily', 'k5'));
    clock.advanceDays(0.9);
    expect(await client.call(create, withKey('daily', 'k5'))).toEqual(first);
    clock.advanceDays(0.2);
    expect(await client.call(create, withKey('daily', 'k5'))).not.toEqual(first);
    expect(await notes('daily')).toBe(2);
  });

  it('is deleted together with its stored answer after it has expired', async () => {
    await client.call(create, withKey('swept', 'k6'));
    clock.advanceDays(1.1);
    const keys = service.app.get(IdempotencyKeys, { strict: false });
    expect(await keys.sweep()).toBeGreaterThan(0);
    expect(await keys.sweep()).toBe(0);
  });
});
