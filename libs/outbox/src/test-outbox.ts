import { MikroORM } from '@mikro-orm/postgresql';
import { userSubject, type UserEvent } from '#libs/contracts';
import { domainTypes, Ids, migrate, TestClock } from '#libs/database';
import { testDatabase } from '#libs/test-kit';
import { outboxTable } from './outbox-table.js';
import { Outbox } from './outbox.js';

/** A database with an outbox, for one test file alone. */
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

const ids = new Ids(new TestClock());

/** Somebody has left, in an account of their own. */
export function aDeparture({ userId = ids.next(), seq = 1, round = 0 } = {}): UserEvent {
  const now = new TestClock().now().toISOString();
  const accountId = ids.next();
  const departure: UserEvent['data']['departure'] = {
    id: ids.next(),
    steps: ['deactivated'],
    activeSince: 1,
    wasManager: false,
    policy: { preset: 'crm', version: 1, rules: {} },
    round,
  };
  const profile: UserEvent['data']['profile'] = {
    name: 'Ada “Quote” {Brace}',
    staffId: null,
    status: 'deactivated',
    isManager: false,
    teamIds: [],
    createdAt: now,
    redactionLabel: 'plain',
    legalHold: false,
  };
  return {
    specversion: '1.0',
    id: ids.next(),
    source: '/identity',
    type: 'user.deactivated',
    subject: userId,
    time: now,
    datacontenttype: 'application/json',
    data: { accountId, userId, seq, lifecycleVersion: 2, profile, departure },
  };
}

export const departures = (count: number): UserEvent[] => Array.from({ length: count }, () => aDeparture());

export const subjectOf = ({ type, data }: UserEvent): string => userSubject(type, data.accountId, data.userId);
