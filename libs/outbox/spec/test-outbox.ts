import type { JetStreamManager } from '@nats-io/jetstream';
import { USERS } from '#libs/broker';
import { sql } from 'kysely';
import { MikroORM } from '@mikro-orm/postgresql';
import { userSubject, type UserEvent } from '#libs/contracts';
import { domainTypes, Ids, migrate, TestClock } from '#libs/database';
import { buildUserEvent, testDatabase } from '#libs/test-kit';
import { Outbox, outboxTable, type Relay } from '#libs/outbox';

/** Creates a database with an outbox for one test file. */
export async function testOutbox() {
  const database = await testDatabase({
    name: 'outbox',
    fingerprint: outboxTable.name,
    migrate: async (ownerUrl) => void (await migrate(ownerUrl, [domainTypes, outboxTable])),
  });
  const orm = await MikroORM.init({
    clientUrl: database.url,
    entities: [],
    discovery: { warnWhenNoEntities: false },
    pool: { min: 0, max: 10 },
  });
  const clock = new TestClock();
  return {
    database,
    em: orm.em,
    clock,
    outbox: new Outbox(orm.em, clock),
    close: async () => {
      await orm.close(true);
      await database.drop();
    },
  };
}

export type TestOutbox = Awaited<ReturnType<typeof testOutbox>>;

const clock = new TestClock();
const source = { clock, ids: new Ids(clock) };

/** Builds a deactivation event in its own account. */
export const aDeparture = ({ userId = source.ids.next(), seq = 1, round = 0 } = {}): UserEvent =>
  buildUserEvent(
    source,
    'user.deactivated',
    { accountId: source.ids.next(), userId },
    {
      seq,
      // Characters that are special in PostgreSQL arrays, JSON or SQL.
      profile: { name: 'Ada “Quote” {Brace}' },
      departure: { round },
    },
  );

export const departures = (count: number): UserEvent[] => Array.from({ length: count }, () => aDeparture());

export const subjectOf = ({ type, data }: UserEvent): string => userSubject(type, data.accountId, data.userId);

/** The database connections of relays. */
export async function relayBackends({ em }: TestOutbox): Promise<{ pid: number }[]> {
  const { rows } = await sql<{ pid: number }>`
    select pid from pg_stat_activity where application_name = 'outbox-relay'`.execute(em.getKysely());
  return rows;
}

/** Terminates the connection of the relay that holds the lock. */
export async function terminateActiveRelay({ em }: TestOutbox): Promise<void> {
  await sql`
    select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted
      and database = (select oid from pg_database where datname = current_database())`.execute(em.getKysely());
}

/** The number of publications by subject. */
export async function publishedSubjects(manager: JetStreamManager): Promise<Record<string, number>> {
  const { state } = await manager.streams.info(USERS.name, { subjects_filter: '>' });
  return state.subjects ?? {};
}

/** A log that writes nothing. */
export const silent = { debug() {}, info() {}, warn() {}, error() {} };

export function moveClock({ clock }: TestOutbox, relay: Relay, milliseconds: number): void {
  clock.advance(milliseconds);
  relay.wake();
}
