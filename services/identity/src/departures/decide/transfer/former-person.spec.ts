import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { sql } from 'kysely';
import { NATS, USERS } from '#libs/broker';
import {
  allOfUser,
  auditList,
  auditVerify,
  authLogin,
  myApiTokensCreate,
  NOBODY,
  usersTransfer,
  usersUpdate,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../../testing/departures.js';
import { ownerOf, PASSWORD, type TestIdentity } from '../../../testing/identity.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let streams: JetStreamManager['streams'];
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
  ({ streams } = await jetstreamManager(identity.service.app.get<NatsConnection>(NATS, { strict: false })));
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount());
});
afterAll(() => departures.stop());

const transfer = (id: string) => {
  const body = { name: 'Nell Newcomer', email: 'nell@example.com', staffId: 'NELL-1' };
  return identity.call(usersTransfer, { principal: owner, params: { id }, body });
};

describe('the former person of a transferred user', () => {
  const TRACES = ['Quillfeather', 'zora.q', 'ZQ-88', '203.0.113.88', 'QuillBrowser'];
  const hex = (text: string): string => Buffer.from(text).toString('hex');

  async function traces(): Promise<string[]> {
    const tables = await identity.query(sql<{ name: string }>`
      select table_name as name from information_schema.tables
      where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`);
    const found: string[] = [];
    for (const { name } of tables) {
      for (const trace of TRACES) {
        const [row] = await identity.query(
          sql`select from ${sql.table(name)} t where t::text ilike ${`%${trace}%`} or t::text ilike ${`%${hex(trace)}%`}`,
        );
        if (row) found.push(`${name}: ${trace}`);
      }
    }
    return found;
  }

  const inStream = async (id: string): Promise<string> => {
    const { state } = await streams.info(USERS.name, { subjects_filter: allOfUser(owner.accountId, id) });
    const texts: string[] = [];
    for (const subject of Object.keys(state.subjects ?? {})) {
      const message = await streams.getMessage(USERS.name, { last_by_subj: subject });
      if (message) texts.push(message.string());
    }
    return texts.join();
  };

  it('has no personal data left in any table or in the broker, and the audit trail still verifies', async () => {
    const zora = { name: 'Zora Quillfeather', email: 'zora.q@example.org', staffId: 'ZQ-88-1' };
    const { id } = await identity.aUser(owner, { ...zora, roles: ['admin'] });
    const self: Principal = { ...owner, userId: id, roles: ['admin'] };
    const client = { ip: '203.0.113.88', userAgent: 'QuillBrowser/1.0' };
    await identity.call(authLogin, { principal: NOBODY, body: { email: zora.email, password: PASSWORD }, client });
    const token = { name: 'Quillfeather’s laptop', scopes: ['read' as const] };
    await identity.call(myApiTokensCreate, { principal: await identity.signedIn(self), body: token });
    await identity.call(usersUpdate, {
      principal: self,
      params: { id },
      body: { avatarUrl: 'https://example.org/zora.q.png' },
    });
    const deactivation = await departures.deactivate(owner, id, { reason: 'Quillfeather is ill' });
    await departures.until(owner, deactivation, 'completed');
    await departures.until(owner, await departures.reactivate(owner, id), 'completed');
    await identity.query(sql`
      update users set user_name = 'zora.q', external_id = 'okta|zora.q', scim_name = '{"familyName":"Quillfeather"}'
      where id = ${id}`);
    expect(await traces()).not.toEqual([]);
    await departures.peer.pause();
    await identity.call(usersUpdate, { principal: self, params: { id }, body: { name: 'Z. Quillfeather' } });
    await transfer(id);
    expect(await traces()).toEqual([]);
    await departures.peer.start();
    await eventually(
      async () => {
        expect(await identity.query(sql`select from stream_purge`)).toEqual([]);
        const left = await inStream(id);
        expect(left).not.toContain('Quillfeather');
        expect(left).toContain('Nell Newcomer');
      },
      { timeout: 20_000 },
    );
    expect(await identity.call(auditVerify, { principal: owner })).toMatchObject({ valid: true });
    const [known] = await departures.peer.query(sql<{ row: string }>`
      select d::text as row from directory d where user_id = ${id}`);
    expect(known!.row).toContain('Nell Newcomer');
    const { items } = await identity.call(auditList, { principal: owner, query: { subjectId: id } });
    expect(items.map(({ action }) => action)).toContain('user.created');
  }, 40_000);
});
