import { SCOPES } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { withClient } from '#libs/local-servers';
import { compactVerify, createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Json } from './support/api.js';
import { Backup } from './support/backup.js';
import { anAccount, contactsCsv, PASSWORD, signIn, type Cast, type Member } from './support/cast.js';
import { linesOf, over, type Departure } from './support/departures.js';
import { leaver } from './support/program.js';
import { System } from './support/system.js';

let system: System;
let home: string;
beforeAll(async () => {
  system = await System.start();
  home = await mkdtemp(join(tmpdir(), 'leaver-cli-'));
}, 90_000);
afterAll(async () => {
  await system?.stop();
  await rm(home, { recursive: true });
});

const operator = async <T = Json>(...args: string[]): Promise<{ exitCode: number; value: T }> => {
  const env = { LEAVER_HOME: home, ...system.operator };
  const { exitCode, out } = await leaver([...args, '--json'], env);
  return { exitCode, value: (out ? JSON.parse(out) : undefined) as T };
};
const verified = async (cast: Cast) => {
  const { token } = await cast.owner.api.post('/v1/me/api-tokens', { name: 'Scripts', scopes: SCOPES });
  const { out } = await leaver(['verify'], { LEAVER_HOME: home, LEAVER_URL: system.url, LEAVER_TOKEN: `${token}` });
  return out;
};
const leave = async ({ owner }: Cast, who: Member, how: 'deactivate' | 'delete' | 'reactivate', body: Json = {}) =>
  over(owner.api, await owner.api.post<Departure>(`/v1/users/${who.id}/${how}`, body));
const caughtUp = (service: string, reopened: number) => ({
  exitCode: 0,
  value: { service, state: 'caught-up', reopened, open: 0, failed: 0 },
});
const from = <T extends Json>(service: string, sql: string): Promise<T[]> =>
  withClient(system.databaseUrl(service), async (client) => (await client.query<T>(sql)).rows);

describe('a service whose database was restored from a backup', () => {
  let cast: Cast;
  let eva: { id: string };
  let backup: Backup;
  let left: Record<'ada' | 'cleo' | 'dan', Departure>;
  let certificate: { jws: string };

  const contactsOf = async (userId: string) =>
    (await cast.owner.api.get<{ items: Json[] }>(`/v1/contacts?assignee=${userId}&limit=100`)).items.length;
  const certificateOf = ({ id }: Departure) => cast.owner.api.get<{ jws: string }>(`/v1/departures/${id}/certificate`);
  const statementIn = async ({ jws }: { jws: string }) => {
    const keys = (await (await fetch(`${system.url}/.well-known/jwks.json`)).json()) as JSONWebKeySet;
    return JSON.parse(new TextDecoder().decode((await compactVerify(jws, createLocalJWKSet(keys))).payload)) as {
      services: Departure['services'];
    };
  };

  beforeAll(async () => {
    cast = await anAccount(system, 'texting');
    const { owner, ada, ben, cleo, dan } = cast;
    // A staff id in the report of an import from before Dan had it.
    const later = { ...dan, staffId: 'LATER-1' };
    await owner.api.upload('/v1/contact-imports', contactsCsv([later], 1));
    await owner.api.patch(`/v1/users/${dan.id}`, { staffId: later.staffId });
    await eventually(async () =>
      expect(await from('contacts', `select from directory where staff_id = 'LATER-1'`)).toHaveLength(1),
    );
    await owner.api.upload('/v1/contact-imports', contactsCsv([ada, cleo, later], 12));
    backup = await Backup.of(system, 'contacts');

    eva = await owner.api.post<{ id: string }>('/v1/users', {
      name: 'Eva Newcomer',
      email: `eva@${ada.email.split('@')[1]}`,
      password: PASSWORD,
      staffId: 'EVA-1',
      roles: ['agent'],
    });
    await owner.api.patch(`/v1/users/${ben.id}`, { name: 'Ben Renamed' });
    const toEva = { overrides: { 'contacts.assignments': 'transfer' }, successors: { 'contacts.assignments': eva.id } };
    left = {
      ada: await leave(cast, ada, 'deactivate', toEva),
      dan: await leave(cast, dan, 'delete'),
      cleo: await leave(cast, cleo, 'deactivate', toEva),
    };
    left.cleo = await leave(cast, cleo, 'reactivate', { restore: 'all' });
    certificate = await certificateOf(left.dan);
    expect(Object.values(left).map(({ status }) => status)).toEqual(['completed', 'completed', 'completed']);
    expect([await contactsOf(ada.id), await contactsOf(dan.id), await contactsOf(cleo.id)]).toEqual([0, 0, 4]);
  }, 60_000);

  it('catches up with users and decisions, even if the catch-up is repeated or a process ends in between', async () => {
    await backup.putBack();
    const waiting = { service: 'contacts', state: 'waiting', since: backup.takenAt, reopened: 0 };
    for (let twice = 0; twice < 2; twice++)
      expect(await operator('catch-up', 'contacts', '--since', backup.takenAt)).toMatchObject({
        exitCode: 0,
        value: waiting,
      });
    await system.stopOne('identity');
    await system.startOne('identity');
    await system.startOne('contacts');
    expect(await operator('catch-up', 'contacts', '--watch')).toMatchObject(caughtUp('contacts', 3));
  });

  it('applies the rules to restored rows, with a successor who was created after the backup', async () => {
    expect(await contactsOf(cast.ada.id)).toBe(0);
    expect(await contactsOf(cast.dan.id)).toBe(0);
    expect(await contactsOf(eva.id)).toBe(4);
    expect(await contactsOf('none')).toBe(4);
  });

  it('does not change rows of reactivated users', async () => {
    expect(await contactsOf(cast.cleo.id)).toBe(4);
  });

  it('has current names, and none of deleted users', async () => {
    const known = await from(
      'contacts',
      `select user_id, name, status from directory where user_id in ('${cast.ben.id}', '${eva.id}', '${cast.dan.id}')`,
    );
    const names = Object.fromEntries(known.map(({ user_id: id, name, status }) => [id as string, [name, status]]));
    expect(names).toEqual({
      [cast.ben.id]: ['Ben Renamed', 'active'],
      [eva.id]: ['Eva Newcomer', 'active'],
      [cast.dan.id]: [null, 'deleted'],
    });
    expect(await from('contacts', 'select value, user_id from contact_import_unmatched')).toEqual([
      { value: null, user_id: cast.dan.id },
    ]);
  });

  it('has sent new receipts: the departures are completed with the new counts and a proof of 0', async () => {
    for (const before of Object.values(left)) {
      const after = await over(cast.owner.api, before);
      expect([after.status, linesOf(after).filter((line) => line.remaining !== 0)]).toEqual(['completed', []]);
      const others = ({ services }: Departure) => services.filter(({ service }) => service !== 'contacts');
      expect(others(after)).toEqual(others(before));
    }
    const lines = linesOf(await over(cast.owner.api, left.dan));
    expect(lines).toContainEqual(
      expect.objectContaining({ rule: 'contacts.assignments', transition: 'deleted', affected: 4, remaining: 0 }),
    );
  });

  it('leaves no findings for a verification or a comparison', async () => {
    expect(await verified(cast)).toBe('2 users have left. No promise is broken.\n');
    expect(await operator('drift')).toEqual({ exitCode: 0, value: [] });
  });

  it('keeps certificates valid, and issues new ones', async () => {
    expect((await statementIn(certificate)).services).toHaveLength(7);
    const again = await statementIn(await certificateOf(left.dan));
    expect(again.services.find(({ service }) => service === 'contacts')!.rules).toContainEqual(
      expect.objectContaining({ rule: 'contacts.assignments', affected: 4, remaining: 0 }),
    );
  });

  it('changes nothing in a second catch-up', async () => {
    const lines = async () =>
      linesOf(await over(cast.owner.api, left.dan)).filter(({ rule }) => /^contacts/.test(rule));
    const before = await lines();
    await operator('catch-up', 'contacts', '--since', backup.takenAt);
    await system.stopOne('contacts');
    await system.startOne('contacts');
    expect(await operator('catch-up', 'contacts', '--watch')).toMatchObject(caughtUp('contacts', 3));
    expect(await lines()).toEqual(before);
    expect([await contactsOf(eva.id), await contactsOf('none'), await contactsOf(cast.cleo.id)]).toEqual([4, 4, 4]);
  });

  it('refuses invalid requests', async () => {
    expect((await operator('catch-up', 'contacts', '--since', 'yesterday')).exitCode).toBe(2);
    expect((await operator('catch-up', 'contacts', '--since', '2999-01-01T00:00:00Z')).exitCode).toBe(1);
    for (const nobody of ['identity', 'payroll'])
      expect((await operator('catch-up', nobody, '--since', backup.takenAt)).exitCode).toBe(1);
  });
});

describe('delayed effects after a restore', () => {
  it('are applied again when due, but not to reactivated users', async () => {
    const cast = await anAccount(system, 'texting');
    const { owner, ada, ben } = cast;
    const number = async ({ id }: Member, e164: string) =>
      (await owner.api.post('/v1/numbers', { e164, kind: 'personal', ownerId: id })).id as string;
    const numbers = { ada: await number(ada, '+14155559001'), ben: await number(ben, '+14155559002') };
    const inAWeek = { overrides: { 'telephony.numbers': { action: 'release-after', days: 7 } } };
    await leave(cast, ada, 'deactivate', inAWeek);
    const backup = await Backup.of(system, 'telephony');
    await leave(cast, ada, 'reactivate', { restore: 'all' });
    await leave(cast, ben, 'delete');

    system.advanceDays(8);
    const api = await signIn(system, owner.email);
    const see = (id: string) => api.get(`/v1/numbers/${id}`);
    const asItWas = () =>
      eventually(async () => {
        expect(await see(numbers.ben)).toMatchObject({ state: 'released', ownerId: null });
        expect(await see(numbers.ada)).toMatchObject({ state: 'assigned', ownerId: ada.id });
      });
    await asItWas();
    await backup.putBack();
    await operator('catch-up', 'telephony', '--since', backup.takenAt);
    await system.startOne('telephony');
    expect(await operator('catch-up', 'telephony', '--watch')).toMatchObject(caughtUp('telephony', 2));
    await asItWas();
    const done = await from('telephony', `select user_id, status from scheduled_action where user_id = '${ada.id}'`);
    expect(done).toEqual([{ user_id: ada.id, status: 'cancelled' }]);
  }, 60_000);
});

describe('identity’s own database restored', () => {
  it('shows users with a higher version in other services, and can decide about them after their version is raised', async () => {
    const cast = await anAccount(system, 'crm');
    const number = { e164: '+14155559003', kind: 'personal', ownerId: cast.dan.id };
    const { id: numberId } = await cast.owner.api.post('/v1/numbers', number);
    const backup = await Backup.of(system, 'identity');
    const unassign = { overrides: { 'telephony.numbers': 'release-after' } };
    await leave(cast, cast.dan, 'deactivate', unassign);
    const eva = await cast.owner.api.post<{ id: string }>('/v1/users', {
      name: 'Eva Forgotten',
      email: 'eva@forgotten.example',
      staffId: 'EVA-2',
      roles: ['agent'],
    });
    await eventually(async () => expect(await operator('drift')).toEqual({ exitCode: 0, value: [] }));
    await backup.putBack();
    await system.startOne('identity');
    const drift = async (...args: string[]) => {
      const { value } = await operator<Json[]>('drift', '--service', 'messaging', ...args);
      return Object.fromEntries(value.map(({ kind, userId }) => [userId, kind])) as Record<string, string>;
    };
    expect(await drift('--raise')).toEqual({ [cast.dan.id]: 'ahead', [eva.id]: 'unknown' });
    expect(await drift()).toEqual({ [cast.dan.id]: 'differs', [eva.id]: 'unknown' });

    expect(await cast.owner.api.get(`/v1/users/${cast.dan.id}`)).toMatchObject({ status: 'active' });
    expect((await leave(cast, cast.dan, 'deactivate', unassign)).status).toBe('completed');
    expect(await cast.owner.api.get(`/v1/numbers/${String(numberId)}`)).toMatchObject({ ownerId: null });
    expect((await leave(cast, cast.dan, 'delete')).status).toBe('completed');
    expect(await drift()).toEqual({ [eva.id]: 'unknown' });
  }, 60_000);

  it('deletes users again who had been deleted since the backup, before anybody can sign in', async () => {
    const cast = await anAccount(system, 'texting');
    const { owner, dan, ada } = cast;
    const backup = await Backup.of(system, 'identity');
    await leave(cast, dan, 'delete');
    await eventually(async () =>
      expect(await from('identity', `select from users where id = '${dan.id}' and erasure_recorded`)).toHaveLength(1),
    );
    await backup.putBack();
    const known = () => from('identity', `select name, email, status, password_hash from users where id = '${dan.id}'`);
    expect(await known()).toMatchObject([{ email: dan.email, status: 'active' }]);
    await system.startOne('identity');

    expect(await known()).toEqual([{ name: null, email: null, status: 'deleted', password_hash: null }]);
    const anybody = system.api();
    const signingIn = anybody.post('/v1/auth/login', { email: dan.email, password: PASSWORD });
    expect(await anybody.refusal(signingIn)).toMatchObject({ status: 401, code: 'invalid-credentials' });
    expect(await dan.api.refusal(dan.api.get('/v1/me'))).toMatchObject({ status: 401 });
    const names = (await owner.api.get<{ items: Json[] }>('/v1/users')).items.map(({ id }) => id);
    expect(names).toContain(ada.id);
    expect(names).not.toContain(dan.id);
    const { items } = await owner.api.get<{ items: Departure[] }>(`/v1/departures?userId=${dan.id}`);
    expect((await over(owner.api, items[0]!)).status).toBe('completed');
    const trail = await owner.api.get<{ items: Json[] }>(`/v1/audit?subjectId=${dan.id}&action=user.deleted`);
    expect(trail.items).toMatchObject([{ actor: null, system: 'system (restore)' }]);
    expect(await owner.api.get('/v1/audit/verify')).toMatchObject({ valid: true });
  }, 90_000);
});
