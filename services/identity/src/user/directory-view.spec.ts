import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { directoryLookup, teamsCreate, usersUpdate, type Principal } from '#libs/contracts';
import { Directory } from '#libs/database';
import { outcomeOf, ownerOf, TestIdentity } from '../testing/identity.js';

let identity: TestIdentity;
let owner: Principal;
beforeAll(async () => {
  identity = await TestIdentity.start();
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => identity.stop());

describe('the directory view of identity', () => {
  it('has the same columns as the directory of other services', async () => {
    const team = await identity.call(teamsCreate, { principal: owner, body: { name: 'Sales' } });
    const { id, name, staffId } = await identity.aUser(owner, { roles: ['admin'], teamIds: [team.id] });
    const rows = await identity.query(sql`
      select user_id, account_id, name, staff_id, status, seq::int, lifecycle_version::int, is_manager, team_ids,
        redaction_label, legal_hold from directory where user_id = ${id}`);
    expect(rows).toEqual([
      {
        user_id: id,
        account_id: owner.accountId,
        name,
        staff_id: staffId,
        status: 'active',
        seq: 1,
        lifecycle_version: 1,
        is_manager: true,
        team_ids: [team.id],
        redaction_label: 'plain',
        legal_hold: false,
      },
    ]);
  });

  it('is looked up by id and by staff id, with the staff ids of now', async () => {
    const [robin, kim] = [await identity.aUser(owner), await identity.aUser(owner)];
    const elsewhere = ownerOf(await identity.anAccount());
    const stranger = await identity.aUser(elsewhere);
    const lookup = async (userIds: string[], staffIds: string[]) => {
      const { people } = await identity.client.ask(directoryLookup, { accountId: owner.accountId, userIds, staffIds });
      return people.map((one) => [one.userId, one.profile.staffId]);
    };
    const former = robin.staffId;
    await identity.call(usersUpdate, { principal: owner, params: { id: robin.id }, body: { staffId: 'S-now' } });
    expect(await lookup([], [former!, 'S-now', stranger.staffId!])).toEqual([[robin.id, 'S-now']]);
    expect(await lookup([kim.id, stranger.id, robin.id], ['S-now'])).toEqual([
      [robin.id, 'S-now'],
      [kim.id, kim.staffId],
    ]);
  });

  it('is used to require active users', async () => {
    const { id } = await identity.aUser(owner);
    const require = (accountId: string) =>
      identity.transaction(() => identity.get(Directory).requireActive(accountId, [id]));
    expect(await outcomeOf(require(owner.accountId))).toBe('ok');
    expect(await outcomeOf(require((await identity.anAccount()).account.id))).toBe('unknown-user');
    await identity.query(sql`update users set status = 'deactivated' where id = ${id}`);
    expect(await outcomeOf(require(owner.accountId))).toBe('inactive-user');
  });

  it.each(['for key share', 'for update'])('a lock %s on it locks only the user', async (strength) => {
    const locksOut = (table: string, id: string) =>
      sql`select id from ${sql.table(table)} where id = ${id} for update nowait`.execute(identity.db).then(
        () => false,
        (error: { code?: string }) => error.code === '55P03',
      );
    await identity.db.transaction().execute(async (holder) => {
      await sql`select user_id from directory where user_id = ${owner.userId} ${sql.raw(strength)}`.execute(holder);
      expect(await locksOut('users', owner.userId)).toBe(true);
      expect(await locksOut('account', owner.accountId)).toBe(false);
    });
    expect(await locksOut('users', owner.userId)).toBe(false);
  });
});
