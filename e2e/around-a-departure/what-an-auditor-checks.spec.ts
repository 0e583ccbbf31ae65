import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { compactVerify, createRemoteJWKSet } from 'jose';
import { eventually } from '#libs/test-kit';
import type { Json } from '../support/api.js';
import { anAccount, type Cast } from '../support/cast.js';
import { linesOf, over, type Departure } from '../support/departures.js';
import { System } from '../support/system.js';
import { trail } from './people.js';
import { pastTheRules } from './past-the-rules.js';

interface Verified {
  status: string;
  checked: number;
  broken: Json[];
}

let system: System;
let cast: Cast;
let deletion: Departure;
beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'helpdesk');
  const { ada, ben, owner } = cast;
  await ada.api.post('/v1/live-chats', { visitor: 'A visitor', operatorId: ada.id });
  await ada.api.post('/v1/dashboards', { name: 'Pipeline', shared: true });
  await owner.api.patch(`/v1/users/${ada.id}`, { name: 'Ada Formerly' });
  await over(owner.api, await owner.api.post<Departure>(`/v1/users/${ben.id}/deactivate`));
  deletion = await over(
    owner.api,
    await owner.api.post<Departure>(`/v1/users/${ada.id}/delete`, { reason: 'Retired' }),
  );
}, 90_000);
afterAll(() => system?.stop());

const owner = () => cast.owner.api;

async function verify(): Promise<Verified> {
  const { id } = await owner().post('/v1/departures/verify');
  return eventually(async () => {
    const verified = await owner().get<Verified & Json>(`/v1/departures/verify/${id}`);
    expect(verified.status).toBe('completed');
    return verified;
  });
}

describe('the certificate of a deletion', () => {
  const certificate = () => owner().get<{ jws: string; payload: Json }>(`/v1/departures/${deletion.id}/certificate`);
  // An outsider has only the certificate, the URL of the keys, and a library.
  const keys = () => createRemoteJWKSet(new URL(`${system.url}/.well-known/jwks.json?purpose=certificates`));

  it('can be verified with jose and the published keys, and matches the receipts', async () => {
    const { jws, payload } = await certificate();
    const { payload: bytes, protectedHeader } = await compactVerify(jws, keys());
    const statement = JSON.parse(new TextDecoder().decode(bytes)) as Json & { services: Departure['services'] };
    expect(protectedHeader.alg).toBe('EdDSA');
    expect(statement).toEqual(payload);
    expect(statement).toMatchObject({
      ...{ departureId: deletion.id, userId: cast.ada.id, requestedBy: cast.owner.id, transition: 'deleted' },
      policy: { preset: 'helpdesk' },
    });
    const certified = statement.services.flatMap(({ rules }) => rules);
    expect(certified.map(({ rule, affected, remaining }) => [rule, affected, remaining])).toEqual(
      linesOf(deletion).map(({ rule, affected }) => [rule, affected, 0]),
    );
    expect(new Set(statement.services.map(({ service }) => service)).size).toBe(7);
  });

  it('contains no personal data', async () => {
    const { jws } = await certificate();
    const text = Buffer.from(jws.split('.')[1]!, 'base64url').toString();
    const { ada } = cast;
    for (const words of [ada.name, 'Formerly', ada.email, ada.staffId, 'Retired']) expect(text).not.toContain(words);
  });

  it('is invalid if one letter is changed', async () => {
    const [head, body, signature] = (await certificate()).jws.split('.') as [string, string, string];
    const text = Buffer.from(body, 'base64url').toString();
    const forged = Buffer.from(text.replace(cast.owner.id, cast.ben.id)).toString('base64url');
    expect(forged).not.toBe(body);
    await expect(compactVerify([head, forged, signature].join('.'), keys())).rejects.toThrow('signature');
  });
});

describe('the audit trail after a deletion', () => {
  it('is complete and verifies, and shows what has been redacted', async () => {
    const entries = await owner().all<Json>('/v1/audit');
    expect(await owner().get('/v1/audit/verify')).toMatchObject({ valid: true, entries: entries.length });
    expect(entries.map((entry) => entry.seq)).toEqual(entries.map((_, index) => entries.length - index));
    const renaming = entries.find((entry) => entry.action === 'user.updated')!;
    expect(renaming).toMatchObject({
      ...{ scrubbed: true, detail: null, actor: { id: cast.owner.id, name: cast.owner.name } },
      subject: { id: cast.ada.id, name: 'Deleted user', status: 'deleted' },
    });
    const ofOthers = entries.find((entry) => entry.action === 'user.deactivated')!;
    expect(ofOthers).toMatchObject({ scrubbed: false, subject: { id: cast.ben.id, name: cast.ben.name } });
    expect(ofOthers.detail).not.toBeNull();
    expect(JSON.stringify(entries)).not.toContain('Formerly');
    const completed = entries.filter((entry) => entry.action === 'departure.completed');
    expect(completed.map((entry) => [entry.actor, entry.system])).toEqual(
      [1, 2].map(() => [null, 'system (departure)']),
    );
    expect((await trail(owner(), `subjectId=${cast.ada.id}`)).map((entry) => entry.action)).toContain('user.deleted');
  });

  it('shows where it has been tampered with', async () => {
    const { seq } = (await trail(owner(), `action=user.deleted`))[0]!;
    const { id } = await owner().get<{ id: string }>('/v1/account');
    const forge = (actor: string) =>
      pastTheRules(system, 'identity', async (client) => {
        // Not even the superuser changes an entry while the trigger is on.
        await client.query('set session_replication_role = replica');
        const change = 'update audit_entry set actor_id = $1 where account_id = $2 and seq = $3';
        expect((await client.query(change, [actor, id, seq])).rowCount).toBe(1);
      });
    await forge(cast.ben.id);
    expect(await owner().get('/v1/audit/verify')).toMatchObject({ valid: false, firstBroken: seq });
    await forge(cast.owner.id);
    expect(await owner().get('/v1/audit/verify')).toMatchObject({ valid: true });
  });
});

describe('a verification', () => {
  it('checks all users who have left, and finds nothing', async () => {
    expect(await verify()).toMatchObject({ checked: 2, broken: [] });
  });

  it('finds a row that was inserted directly into the database', async () => {
    const { id: account } = await owner().get<{ id: string }>('/v1/account');
    await pastTheRules(system, 'messaging', (client) =>
      client.query(
        `insert into live_chat (id, account_id, visitor, operator_id, status, created_at)
        values (uuidv7(), $1, 'Smuggled', $2, 'open', now())`,
        [account, cast.ada.id],
      ),
    );
    await pastTheRules(system, 'insights', (client) =>
      client.query('update dashboard set owner_id = $1 where account_id = $2 and shared', [cast.ben.id, account]),
    );
    const { checked, broken } = await verify();
    expect(checked).toBe(2);
    expect(broken.map(({ userId, rule, remaining }) => [userId, rule, remaining]).sort()).toEqual(
      [
        [cast.ada.id, 'messaging.live-chats', 1],
        [cast.ben.id, 'insights.shared-dashboards', 1],
      ].sort(),
    );
  });
});
