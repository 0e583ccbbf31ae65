import { TestService } from '../../testing/index.js';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { EntityManager } from '@mikro-orm/postgresql';
import { Controller, Module } from '@nestjs/common';
import { sql } from 'kysely';
import { Answers, Handles } from '#libs/broker';
import { NOBODY, operation, SERVICES, Text, type Ask, type Principal } from '#libs/contracts';
import { DatabaseModule, domainTypes, migration } from '#libs/database';
import { withClient } from '#libs/local-servers';
import { serviceKeys } from '#libs/test-kit';
import { platformMigrations } from './idempotency.js';
import { startService } from '../service/service.js';

class Names {
  @Text() names: string;
}
const common = { service: 'notes', summary: '', method: 'GET', answer: Names } as const;
const desks = operation<Names>({ ...common, access: 'signed-in', id: 'desks.list', path: '/desks' });
const allDesks = operation<Names>({ ...common, access: 'public', id: 'desks.all', path: '/all-desks' });
const desksOf: Ask<{ accountId?: string }, Names> = {
  service: 'notes',
  subject: 'rpc.notes.desks-of',
  timeout: 5_000,
  calledBy: [SERVICES],
};

/** The conditions on the account are missing. */
@Controller()
class Desks {
  constructor(private readonly em: EntityManager) {}

  @Handles(desks)
  async list(): Promise<Names> {
    const { rows } = await sql<{ name: string }>`select name from desk order by name`.execute(this.em.getKysely());
    return { names: rows.map(({ name }) => name).join() };
  }

  @Handles(allDesks, { acrossAccounts: 'The test reads the desks of all accounts.' })
  all(): Promise<Names> {
    return this.list();
  }

  @Answers(desksOf)
  of(_request: { accountId?: string }): Promise<Names> {
    return this.list();
  }
}

@Module({ imports: [DatabaseModule.forService([], [])], controllers: [Desks] })
class DesksModule {}

const [ours, theirs] = ['0198c000-0000-7000-8000-000000000001', '0198c000-0000-7000-8000-000000000009'];
const by = (accountId: string): Principal => ({ ...NOBODY, accountId, userId: accountId });

let service: TestService;
beforeAll(async () => {
  service = await TestService.start({
    name: 'notes',
    module: DesksModule,
    migrations: [
      domainTypes,
      ...platformMigrations,
      migration('9000-desk', 'create table desk (account_id uuid not null, name text)'),
    ],
  });
  await sql`insert into desk values (${ours}, 'mine'), (${theirs}, 'theirs')`.execute(service.em().getKysely());
});
afterAll(() => service.stop());

it('a call sees the rows of the caller’s account', async () => {
  const seen = await Promise.all([ours, theirs, ours].map((account) => service.call(by(account), desks)));
  expect(seen.map(({ names }) => names)).toEqual(['mine', 'theirs', 'mine']);
});

it('a call sees all rows if its handler says why', async () => {
  expect(await service.call(NOBODY, allDesks)).toEqual({ names: 'mine,theirs' });
});

it('a request of another service sees the rows of the account that it names, or none', async () => {
  expect(await service.client.ask(desksOf, { accountId: theirs })).toEqual({ names: 'theirs' });
  expect(await service.client.ask(desksOf, {})).toEqual({ names: '' });
});

it('a service does not start on a database that was not migrated to this version', async () => {
  const env = {
    DATABASE_URL: service.database.url,
    NATS_URL: service.broker.url,
    LOG_LEVEL: 'silent',
    ...serviceKeys('notes'),
  };
  const starting = () => startService({ name: 'notes', module: DesksModule, env });
  const asOwner = (text: string) => withClient(service.database.ownerUrl, (client) => client.query(text));
  await asOwner('alter table desk disable row level security');
  await expect(starting()).rejects.toThrow('tables without row-level security: desk');
  await asOwner('alter table desk enable row level security');
  const asAdmin = (text: string) => withClient(service.database.adminUrl, (client) => client.query(text));
  await asAdmin('revoke notes_calls from notes');
  try {
    await expect(starting()).rejects.toThrow('the database role notes_calls is missing');
  } finally {
    await asAdmin('grant notes_calls to notes with inherit false, set true');
  }
});
