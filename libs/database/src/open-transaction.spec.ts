import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MikroORM, RequestContext, type EntityManager } from '@mikro-orm/postgresql';
import { testDatabase, type TestDatabase } from '#libs/test-kit';
import { AfterCommit } from './after-commit.js';
import {
  assertNoOpenTransaction,
  CallInTransactionError,
  callsInTransaction,
  type CallInTransaction,
} from './open-transaction.js';
import { ormOptions } from './connection/orm-options.js';

describe('a call to the outside', () => {
  let database: TestDatabase;
  let orm: MikroORM;
  let em: EntityManager;
  beforeAll(async () => {
    database = await testDatabase({ name: 'open', migrate: async () => undefined, fingerprint: 'nothing' });
    orm = await MikroORM.init(ormOptions(database.url, []));
    em = orm.em;
  });
  afterAll(async () => {
    await orm.close(true);
    await database.drop();
  });

  const call = async () => assertNoOpenTransaction('call');

  it('is allowed outside of a transaction', async () => {
    await call();
    await RequestContext.create(em, call);
  });

  it.each<[string, (work: () => Promise<void>) => Promise<unknown>]>([
    ['of a fork', (work) => em.fork().transactional(work)],
    ['of the request context', (work) => RequestContext.create(em, () => em.transactional(work))],
    ['with a request context in it', (work) => em.fork().transactional(() => RequestContext.create(em, work))],
    ['with a savepoint', (work) => em.fork().transactional((tx) => tx.transactional(work))],
    ['after a savepoint', (work) => em.fork().transactional((tx) => tx.transactional(async () => 0).then(work))],
    ['within another one', (work) => em.fork().transactional(() => em.fork().transactional(work))],
    [
      'after another one',
      (work) =>
        em.fork().transactional(() =>
          em
            .fork()
            .transactional(async () => 0)
            .then(work),
        ),
    ],
  ])('throws in a transaction %s', async (_name, transaction) => {
    await expect(transaction(call)).rejects.toThrow(new CallInTransactionError('call'));
  });

  it('is allowed after the commit, and in work that the transaction left running', async () => {
    const committed = Promise.withResolvers<void>();
    let left!: Promise<void>;
    await em.fork().transactional(async () => {
      left = committed.promise.then(call);
    });
    await call();
    committed.resolve();
    await left;
  });

  it('is allowed after a rollback', async () => {
    await expect(em.fork().transactional(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await call();
  });

  it('is allowed in callbacks after the commit or the rollback', async () => {
    const afterCommit = new AfterCommit(em, () => undefined);
    const made: string[] = [];
    await RequestContext.create(em, () =>
      em.transactional(async () => afterCommit.run(() => call().then(() => made.push('commit')))),
    );
    const failing = RequestContext.create(em, () =>
      em.transactional(async () => {
        afterCommit.runEitherWay(() => call().then(() => made.push('rollback')));
        throw new Error('no');
      }),
    );
    await expect(failing).rejects.toThrow('no');
    expect(made).toEqual(['commit', 'rollback']);
  });

  it('is allowed beside a transaction of another request', async () => {
    const [inside, done] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const other = em.fork().transactional(async () => {
      inside.resolve();
      await done.promise;
    });
    await inside.promise;
    await call();
    done.resolve();
    await other;
  });

  it('is only reported unless the environment says to throw', async () => {
    const seen: CallInTransaction[] = [];
    const see = (message: unknown) => void seen.push(message as CallInTransaction);
    callsInTransaction.subscribe(see);
    delete process.env.LEAVER_CALLS_IN_TRANSACTION;
    try {
      await em.fork().transactional(call);
    } finally {
      process.env.LEAVER_CALLS_IN_TRANSACTION = 'throw';
      callsInTransaction.unsubscribe(see);
    }
    expect(seen).toEqual([{ call: 'call', at: expect.any(Array), driver: em.getDriver() }]);
    expect(seen[0]!.at[0]).toContain('open-transaction.spec');
  });
});
