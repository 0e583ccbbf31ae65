import { SCOPES } from '#libs/contracts';
import { EntityManager } from '@mikro-orm/postgresql';
import { connectNats } from '#libs/broker';
import { eventually } from '#libs/test-kit';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import type { Json } from './support/api.js';
import { anAccount, PASSWORD, type Cast, type Member } from './support/cast.js';
import { counts, over, type Departure, type Line } from './support/departures.js';
import { leaver } from './support/program.js';
import { System } from './support/system.js';

describe('the command line', () => {
  let system: System;
  let cast: Cast;
  let folder: string;
  let token: string;

  const run = (args: string[], env: Record<string, string> = {}, options: Parameters<typeof leaver>[2] = {}) =>
    leaver(args, { LEAVER_HOME: folder, LEAVER_URL: system.url, LEAVER_TOKEN: token, ...env }, options);
  const json = async <T = Json>(...args: string[]): Promise<{ exitCode: number; value: T }> => {
    const { exitCode, out } = await run([...args, '--json']);
    return { exitCode, value: JSON.parse(out) as T };
  };
  /** A new user whom no other test uses. */
  const newcomer = async (name: string) => {
    const who = { name, email: `${name}@crm.example`, staffId: `ID ${name}`, password: PASSWORD, roles: ['agent'] };
    return { ...who, id: (await cast.owner.api.post('/v1/users', who)).id as string };
  };
  const statusOf = async ({ id }: Pick<Member, 'id'>) => (await cast.owner.api.get(`/v1/users/${id}`)).status;

  beforeAll(async () => {
    system = await System.start();
    folder = await mkdtemp(join(tmpdir(), 'leaver-cli-'));
    cast = await anAccount(system, 'crm');
    token = (await cast.owner.api.post('/v1/me/api-tokens', { name: 'Scripts', scopes: SCOPES })).token as string;
    await cast.dan.api.post('/v1/dashboards', { name: 'Calls', shared: true });
  }, 90_000);
  afterAll(async () => {
    await system?.stop();
    await rm(folder, { recursive: true });
  });

  it('shows a preview as a table, and with --json as the API returns it', async () => {
    const { id, email, staffId } = await newcomer('Fay');
    await cast.owner.api.post('/v1/dashboards', { name: 'Calls', shared: true, ownerId: id });
    const { exitCode, value } = await json<{ rules: Line[] }>('preview', staffId);
    const expected = await cast.owner.api.get<{ rules: Line[] }>(
      `/v1/users/${id}/departure-preview?transition=deactivated`,
    );
    expect([exitCode, counts(value.rules)]).toEqual([0, counts(expected.rules)]);
    const { out, messages } = await run(['preview', email]);
    expect(out).toMatch(/insights\.shared-dashboards +Shared dashboards +transfer +1\n/);
    expect(messages).toBe('');
  });

  it('changes nothing without a confirmation', async () => {
    const gil = await newcomer('Gil');
    const { exitCode, messages } = await run(['deactivate', gil.id]);
    expect([exitCode, messages]).toEqual([2, expect.stringContaining('--yes')]);
    expect(await statusOf(gil)).toBe('active');
  });

  it('deactivates, reactivates and deletes a user', async () => {
    const { value: preview } = await json('preview', cast.dan.email);
    const options = ['--successor', cast.ben.staffId, '--plan-token', String(preview.planToken)];
    const left = await run(['deactivate', cast.dan.email, '--yes', '--watch', '--json', ...options]);
    const departure = JSON.parse(left.out) as Departure;
    expect([left.exitCode, departure.status]).toEqual([0, 'completed']);
    expect(left.messages).toContain('7/7');
    const lines = departure.services.flatMap(({ rules }) => rules);
    expect(lines.find(({ rule }) => rule === 'insights.shared-dashboards')).toMatchObject({
      affected: 1,
      transferredTo: cast.ben.id,
    });
    expect((await run(['status', departure.id])).out).toContain('deactivated: completed');

    const stale = await json('deactivate', cast.dan.email, '--yes', '--plan-token', String(preview.planToken));
    expect(stale).toMatchObject({ exitCode: 1, value: { status: 409 } });

    const back = await json<Departure>('reactivate', cast.dan.id, '--restore', 'all', '--watch');
    expect(back).toMatchObject({ exitCode: 0, value: { status: 'completed', transition: 'reactivated' } });
    expect(await statusOf(cast.dan)).toBe('active');

    await run(['deactivate', cast.dan.email, '--yes', '--watch']);
    expect(await run(['delete', cast.dan.email, '--yes', '--watch'])).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('deleted: completed'),
    });
    expect(await statusOf(cast.dan)).toBe('deleted');
  });

  it('reports a refusal by its exit code, and with --json by the problem', async () => {
    expect(await json('deactivate', cast.owner.email, '--yes')).toMatchObject({
      exitCode: 1,
      value: { code: 'sole-owner', status: 409 },
    });
    expect(await run(['preview', 'nobody@example.com'])).toMatchObject({ exitCode: 1, out: '' });
  });

  it('deactivates many users and lists the refused rows', async () => {
    const file = join(folder, 'leavers.csv');
    await writeFile(file, `staffId,successorStaffId\n${cast.cleo.staffId},${cast.ben.staffId}\nno such id,\n`);
    const { exitCode, value } = await json<{ status: string; rows: Json[] }>(
      ...['bulk', file, '--transition', 'deactivated', '--watch', '--yes'],
    );
    expect([exitCode, value.status]).toEqual([1, 'completed']);
    expect(value.rows).toMatchObject([
      { staffId: cast.cleo.staffId, status: 'completed' },
      { staffId: 'no such id', status: 'refused', code: 'unknown-user' },
    ]);
  });

  it('reads the list from standard input, which then cannot confirm anything', async () => {
    const words = ['bulk', '-', '--transition', 'deactivated', '--watch'];
    const input = 'staffId\nno such id\n';
    expect(await run(words, {}, { input })).toMatchObject({ exitCode: 2, messages: expect.stringContaining('--yes') });
    const { exitCode, out } = await run([...words, '--yes', '--json'], {}, { input });
    expect([exitCode, JSON.parse(out)]).toMatchObject([1, { rows: [{ status: 'refused', code: 'unknown-user' }] }]);
  });

  it('verifies all users who have left', async () => {
    const { api } = cast.owner;
    const { id } = await newcomer('Eve');
    await over(api, await api.post<Departure>(`/v1/users/${id}/deactivate`));
    const left = (await api.all('/v1/users?status=all')).filter(({ status }) => status !== 'active');
    const out = `${left.length} users have left. No promise is broken.\n`;
    expect(await run(['verify'])).toMatchObject({ exitCode: 0, out });
  });

  it('verifies the audit trail', async () => {
    expect((await run(['audit'])).out).toMatch(/^\d+ entries\. The audit trail is valid\.\n/);
  });

  it('has exit codes for wrong usage, a missing sign-in and an unreachable gateway', async () => {
    for (const wrong of [['leave'], ['preview'], ['status', 'a', 'b'], ['preview', 'a', '--force'], ['replay']])
      expect([wrong, (await run(wrong)).exitCode]).toEqual([wrong, 2]);
    expect((await run(['verify'], { LEAVER_TOKEN: 'lvr_wrong' })).exitCode).toBe(3);
    expect((await run(['verify'], { LEAVER_TOKEN: '' })).exitCode).toBe(3);
    expect((await run(['verify'], { LEAVER_URL: 'http://127.0.0.1:9' })).exitCode).toBe(3);
  });

  it('refuses invalid input before it sends anything', async () => {
    const file = join(folder, 'empty.csv');
    await writeFile(file, 'staffId,successorStaffId\n');
    const wrong = [
      await run(['bulk', file, '--transition', 'deleted', '--yes']),
      await run(['login', '--email', cast.owner.email], {}, { input: '' }),
      await run(['deactivate', cast.dan.id, '--yes', '--override', 'messaging.private-emails=delete-after:soon']),
    ];
    expect(wrong.map(({ exitCode }) => exitCode)).toEqual([2, 2, 2]);
    for (const { messages } of wrong) expect(messages.trim().split('\n')).toHaveLength(1);
  });

  it('explains a malformed address or token without repeating the token', async () => {
    const address = await run(['dead-letters'], { NATS_URL: 'somewhere' });
    expect(address).toMatchObject({ exitCode: 3, messages: expect.stringMatching(/^NATS_URL is not an address.*\n$/) });
    const malformed = await run(['verify'], { LEAVER_TOKEN: 'lvr_first\nlvr_second' });
    expect(malformed).toMatchObject({ exitCode: 2, messages: 'LEAVER_TOKEN is not an API token.\n' });
    expect((await run(['preview', cast.ben.email], { LEAVER_TOKEN: `${token}\n` })).exitCode).toBe(0);
  });

  it('reads its settings from files, like the services', async () => {
    const file = join(folder, 'token');
    await writeFile(file, `${token}\n`);
    const preview = (env: Record<string, string>) => run(['preview', cast.ben.email], env);
    expect(await preview({ LEAVER_TOKEN: '', LEAVER_TOKEN_FILE: file })).toMatchObject({ exitCode: 0 });
    expect(await preview({ LEAVER_TOKEN_FILE: file })).toMatchObject({
      exitCode: 2,
      messages: 'LEAVER_TOKEN and LEAVER_TOKEN_FILE are both set; only one of them may be.\n',
    });
    expect(await preview({ LEAVER_TOKEN: '', LEAVER_TOKEN_FILE: `${file}s` })).toMatchObject({
      exitCode: 2,
      messages: 'LEAVER_TOKEN_FILE must name a file that can be read (ENOENT).\n',
    });
    await writeFile(file, system.brokerUrl('operator'));
    const { SERVICE_KEY } = system.operator;
    expect(await run(['dead-letters'], { SERVICE_KEY, NATS_URL_FILE: file })).toMatchObject({ exitCode: 0 });
  });

  it('keeps its exit code when its output is closed', async () => {
    expect(await run(['help'], {}, { closed: true })).toEqual({ exitCode: 0, out: '', messages: '' });
    const [departure] = await cast.owner.api.all<Departure>('/v1/departures');
    expect(await run(['status', departure!.id], {}, { closed: true })).toEqual({ exitCode: 0, out: '', messages: '' });
    const refused = ['deactivate', cast.owner.email, '--yes', '--json'];
    expect(await run(refused, {}, { closed: true })).toMatchObject({ exitCode: 1, out: '' });
  });

  it('stores a token in a file that only its owner can read, uses it for one gateway, and revokes it at logout', async () => {
    const anonymous = { LEAVER_TOKEN: '' };
    const login = (password: string) =>
      run(['login', '--email', cast.owner.email], anonymous, { input: `${password}\n` });
    expect((await login('wrong password')).exitCode).toBe(3);
    expect((await login(PASSWORD)).exitCode).toBe(0);
    const file = join(folder, 'credentials.json');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await run(['preview', cast.ben.email], anonymous)).exitCode).toBe(0);
    const otherUrl = { ...anonymous, LEAVER_URL: system.url.replace('127.0.0.1', 'localhost') };
    expect((await run(['preview', cast.ben.email], otherUrl)).exitCode).toBe(3);
    const { token: kept } = JSON.parse(await readFile(file, 'utf8')) as { token: string };
    expect((await run(['logout'], anonymous)).exitCode).toBe(0);
    expect((await run(['preview', cast.ben.email], { LEAVER_TOKEN: kept })).exitCode).toBe(3);
  });

  describe('for the operator', () => {
    const letters = async () => {
      const { exitCode, out } = await run(['dead-letters', '--data', '--json'], system.operator);
      return { exitCode, letters: JSON.parse(out) as Json[] };
    };

    /** Publishes a message that identity would never publish. */
    const publish = async (type: string, data: string) => {
      const identity = await connectNats({ url: system.brokerUrl('identity-streams'), name: 'test' });
      identity.publish(`${type}.somebody.else`, data);
      await identity.close();
    };

    it('lists messages that services could not decode, and replays them', async () => {
      expect(await letters()).toEqual({ exitCode: 0, letters: [] });
      await publish('user.updated', 'no event');
      const found = await eventually(async () => {
        const { letters: all } = await letters();
        const names = 'automations contacts insights integrations messaging notifications telephony';
        expect(all.map(({ service }) => service).sort()).toEqual(names.split(' '));
        return all;
      });
      expect(found[0]).toMatchObject({ kind: 'message', reason: 'not JSON', data: btoa('no event') });
      const { exitCode, out } = await run(['replay', String(found[0]!.id), '--json'], system.operator);
      const refused = [{ service: found[0]!.service, id: found[0]!.id, reason: 'undecodable' }];
      expect([exitCode, JSON.parse(out)]).toEqual([1, { replayed: [], refused, unknown: [] }]);
    });

    it('lists a departure that a service has given up on, and replays it in that service only', async () => {
      const [id, departureId, accountId] = [cast.ada.id, randomUUID(), randomUUID()];
      const withdraw = { 'insights.shared-dashboards': { deactivated: { action: 'withdraw' } } };
      await publish('user.deactivated', departure(accountId, id, departureId, withdraw));
      const shown = () =>
        eventually(async () => {
          const { letters: all } = await letters();
          const about = all.filter((letter) => letter.kind === 'departure');
          expect(about).toMatchObject([{ service: 'insights', id: departureId, userId: id, reason: 'invalid-action' }]);
        });
      await shown();
      const { exitCode, out } = await run(['replay', departureId, '--json'], system.operator);
      const replayed = [{ service: 'insights', id: departureId }];
      expect([exitCode, JSON.parse(out)]).toEqual([0, { replayed, refused: [], unknown: [] }]);
      // The rule still does not offer this action.
      await shown();
    });

    it('updates the directory entry of a user whose profile a service could not store', async () => {
      const db = system.services.get('contacts')!.app.get(EntityManager, { strict: false }).fork().getKysely();
      const { id: userId, name } = cast.owner;
      const known = () => sql<{ name: string }>`select name from directory where user_id = ${userId}`.execute(db);
      const [id, accountId] = [randomUUID(), (await cast.owner.api.get('/v1/account')).id];
      const data = Buffer.from(JSON.stringify({ accountId, userId, lifecycleVersion: 1, type: 'user.updated' }));
      await sql`update directory set name = 'Nobody', seq = 0 where user_id = ${userId}`.execute(db);
      await sql`insert into dead_letter (id, subject, data, reason, received_at)
        values (${id}, 'user.updated', ${data}, '22001', now())`.execute(db);
      expect((await run(['replay', id, '--service', 'contacts'], system.operator)).exitCode).toBe(0);
      expect((await known()).rows).toEqual([{ name }]);
    });

    it('needs the broker’s address, and its user has access to nothing else', async () => {
      expect((await run(['dead-letters'])).exitCode).toBe(3);
      const nats = await connectNats({ url: system.brokerUrl('operator'), name: 'test' });
      const question = JSON.stringify({ pattern: 'rpc.identity.tokens.keys', data: {}, id: '0' });
      await expect(nats.request('rpc.identity.tokens.keys', question, { timeout: 500 })).rejects.toThrow();
      await nats.close();
    });
  });
});

function departure(accountId: string, userId: string, id: string, rules: Json): string {
  const time = new Date().toISOString();
  const profile = {
    name: 'Ada',
    staffId: null,
    status: 'deactivated',
    isManager: false,
    teamIds: [],
    createdAt: time,
    redactionLabel: 'plain',
    legalHold: false,
  };
  const policy = { preset: 'crm', version: 1, rules };
  const facts = { id, steps: ['deactivated'], activeSince: 1, wasManager: false, policy, round: 0 };
  const data = { accountId, userId, seq: 99, lifecycleVersion: 99, profile, departure: facts };
  const about = { source: 'test', subject: userId, time, datacontenttype: 'application/json' };
  return JSON.stringify({ specversion: '1.0', id: randomUUID(), type: 'user.deactivated', ...about, data });
}
