import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { fingerprint, migrate } from '#libs/database';
import { testDatabase, type TestDatabase } from '#libs/test-kit';
import pg from 'pg';
import { foldedCase } from './0060-folded-case.js';
import { migrations } from './migrations.js';

const before = migrations.slice(0, migrations.indexOf(foldedCase));

describe('an upgrade from addresses that were compared by lower()', () => {
  let database: TestDatabase;
  let client: pg.Client;
  const accountId = randomUUID();
  beforeAll(async () => {
    database = await testDatabase({
      name: 'identity_lower',
      migrate: async (ownerUrl) => void (await migrate(ownerUrl, before)),
      fingerprint: fingerprint(before),
    });
    client = new pg.Client(database.adminUrl);
    await client.connect();
    await client.query(`insert into account (id, name, seats, created_at) values ($1, 'Acme', 9, now())`, [accountId]);
  });
  afterAll(async () => {
    await client.end();
    await database.drop();
  });

  const insert = (email: string, staffId: string) =>
    client.query(
      `insert into users (id, account_id, email, name, staff_id, status, seat_taken, created_at, updated_at)
       values ($1, $2, $3, 'N', $4, 'active', true, now(), now())`,
      [randomUUID(), accountId, email, staffId],
    );

  it('keeps users whom only the new folding makes equal, refuses a further one, composes what is stored, and finds former addresses', async () => {
    await insert('ΝΙΚΟΣ@mail.example', 'E\u0308 1');
    await insert('νικος@mail.example', 'Ë 2');
    await insert('Νικος@mail.example', 'E\u0308 2').catch(() => undefined);
    const changed = JSON.stringify({
      email: { from: 'before@mail.example', to: 'x' },
      roles: { from: ['agent'], to: [] },
    });
    await client.query(
      `insert into audit_entry (id, account_id, seq, at, action, system, subject_id, detail, salt, detail_digest, prev_hash, hash)
       select gen_random_uuid(), account_id, 1, now(), 'user.updated', 'departure', id, $1, 's', 'd', 'p', 'h'
       from users limit 1`,
      [changed],
    );
    await migrate(database.adminUrl, migrations);
    const former = await client.query('select identifier from former_identifier');
    expect(former.rows).toEqual([{ identifier: 'before@mail.example' }]);
    const { rows } = await client.query<{ staff_id: string }>('select staff_id from users order by staff_id');
    expect(rows.slice(0, 2).map(({ staff_id }) => staff_id)).toEqual(expect.arrayContaining(['Ë 1', 'Ë 2']));
    await expect(insert('νικοσ@MAIL.example', '3')).rejects.toMatchObject({ constraint: 'users_email' });
    await insert('maria@mail.example', '4');
    await expect(insert('MARIA@mail.example', '5')).rejects.toMatchObject({ constraint: 'users_email' });
  });
});
