import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import type { UserStatus } from '#libs/contracts';
import { eventually, testDatabase, type TestDatabase } from '#libs/test-kit';
import { sql } from 'kysely';
import { TestClock } from './clock.js';
import { Directory, UnknownUsers, UserLookup, type CurrentUser, type NamedUsers } from './directory.js';
import { directoryTable } from './directory-tables.js';
import { Ids } from './ids.js';
import { domainTypes, fingerprint, migrate } from './migrate.js';
import { assertNoOpenTransaction } from './open-transaction.js';
import { ormOptions } from './connection/orm-options.js';

describe('the directory', () => {
  const clock = new TestClock();
  const ids = new Ids(clock);
  const accountId = ids.next();
  let database: TestDatabase;
  let orm: MikroORM;
  beforeAll(async () => {
    const migrations = [domainTypes, directoryTable];
    database = await testDatabase({
      name: 'directory',
      migrate: async (ownerUrl) => void (await migrate(ownerUrl, migrations)),
      fingerprint: fingerprint(migrations),
    });
    orm = await MikroORM.init(ormOptions(database.url, []));
  });
  afterAll(async () => {
    await orm.close(true);
    await database.drop();
  });

  const em = () => orm.em.fork() as EntityManager;
  const directory = () => new Directory(em());
  const person = async (status: UserStatus) => {
    const userId = ids.next();
    await sql`
      insert into directory (user_id, account_id, name, status, seq, lifecycle_version, user_created_at)
      values (${userId}, ${accountId}, 'Robin Example', ${status}, 1, 1, ${clock.now()})`.execute(em().getKysely());
    return userId;
  };
  const refusal = (userId: string) => ({ code: 'inactive-user', details: { items: [userId] } });

  it('distinguishes active users from users who have left', async () => {
    const [active, deactivated, deleted] = [
      await person('active'),
      await person('deactivated'),
      await person('deleted'),
    ];
    await directory().requireActive(accountId, [active, null, undefined, active]);
    for (const gone of [deactivated, deleted])
      await expect(directory().requireActive(accountId, [active, gone])).rejects.toMatchObject(refusal(gone));
  });

  it('accepts a deactivated user where only deleted users are refused', async () => {
    const [deactivated, deleted] = [await person('deactivated'), await person('deleted')];
    await directory().requireNotDeleted(accountId, [await person('active'), deactivated, null]);
    const named = directory().requireNotDeleted(accountId, [deactivated, deleted]);
    await expect(named).rejects.toMatchObject(refusal(deleted));
  });

  it('does not know users of another account', async () => {
    const userId = await person('active');
    const unknown = { code: 'unknown-user', details: { items: [userId] } };
    await expect(directory().requireActive(ids.next(), [userId])).rejects.toMatchObject(unknown);
    await expect(directory().requireNotDeleted(ids.next(), [userId])).rejects.toMatchObject(unknown);
  });

  it('keeps a named user from leaving until the transaction ends', async () => {
    const userId = await person('active');
    const leaves = () =>
      sql`select user_id from directory where user_id = ${userId} for update nowait`.execute(em().getKysely());
    for (const check of ['requireActive', 'requireNotDeleted'] as const) {
      await em().transactional(async (tx) => {
        await new Directory(tx)[check](accountId, [userId]);
        await expect(leaves()).rejects.toMatchObject({ code: '55P03' });
      });
      await leaves();
    }
  });

  describe('for users whose first event has not arrived', () => {
    /** Acts as identity, which knows these users. */
    class Identity extends UserLookup {
      readonly asked: string[][] = [];
      constructor(private readonly known: readonly string[]) {
        super();
      }
      async load(account: string, userIds: string[]): Promise<void> {
        assertNoOpenTransaction('identity');
        this.asked.push(userIds);
        for (const userId of userIds.filter((id) => this.known.includes(id)))
          await sql`
            insert into directory (user_id, account_id, name, status, seq, lifecycle_version, user_created_at)
            values (${userId}, ${account}, 'Robin Example', 'active', 1, 1, ${clock.now()})`.execute(em().getKysely());
      }
      async current(_account: string, { userIds = [] }: NamedUsers): Promise<CurrentUser[]> {
        this.asked.push([...userIds]);
        const rest = { staffId: null, status: 'active' as const, lifecycleVersion: 2, teamIds: [] };
        return userIds.filter((id) => this.known.includes(id)).map((userId) => ({ userId, ...rest }));
      }
    }
    const locking = (named: Directory, userIds: string[]) => () =>
      (orm.em as EntityManager).transactional(() => named.requireActive(accountId, userIds));

    it('asks identity before a transaction, and only about unknown users', async () => {
      const [known, fresh] = [await person('active'), ids.next()];
      const identity = new Identity([fresh]);
      const named = new Directory(em(), identity);
      await named.prepare(accountId, [known, fresh, null, undefined, fresh]);
      await named.prepare(accountId, [known, fresh]);
      expect(identity.asked).toEqual([[fresh]]);
      await named.requireActive(accountId, [known, fresh]);
    });

    it('rolls a transaction back that names them, asks identity, and runs it again once', async () => {
      const [known, fresh] = [await person('active'), ids.next()];
      const identity = new Identity([fresh]);
      const named = new Directory(orm.em, identity);
      await named.withLookup(locking(named, [known, fresh]));
      expect(identity.asked).toEqual([[fresh]]);
    });

    it('refuses users whom identity does not know either', async () => {
      const fresh = ids.next();
      const identity = new Identity([]);
      const named = new Directory(orm.em, identity);
      await expect(named.withLookup(locking(named, [fresh]))).rejects.toThrow(UnknownUsers);
      expect(identity.asked).toEqual([[fresh]]);
    });

    it('inserts them when identity is asked what users are like now', async () => {
      const fresh = ids.next();
      const named = new Directory(em(), new Identity([fresh]));
      expect(await named.current(accountId, { userIds: [fresh] })).toMatchObject([{ userId: fresh }]);
      await named.requireActive(accountId, [fresh]);
    });

    it('asks before a status is recorded only about users who have left, and waits for their return', async () => {
      const [active, back, gone] = [await person('active'), await person('deactivated'), await person('deactivated')];
      const identity = new Identity([back]);
      const named = new Directory(em(), identity);
      await named.prepareStatus(accountId, [active]);
      await named.prepareStatus(accountId, [gone]);
      const waiting = named
        .prepareStatus(accountId, [active, back])
        .then(() => named.lockAndFindLeft(accountId, [back]));
      await eventually(() => identity.asked.length === 2);
      await sql`update directory set status = 'active', lifecycle_version = 2 where user_id = ${back}`.execute(
        em().getKysely(),
      );
      expect(await waiting).toEqual(new Set());
      expect(identity.asked).toEqual([[gone], [back]]);
    });

    it('does not retry other failures', async () => {
      let runs = 0;
      const failing = () => {
        runs += 1;
        return Promise.reject(new Error('no'));
      };
      await expect(new Directory(em(), new Identity([])).withLookup(failing)).rejects.toThrow('no');
      expect(runs).toBe(1);
    });
  });
});
