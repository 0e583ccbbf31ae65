import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SCOPES } from '#libs/contracts';
import { unzip } from '#libs/test-kit';
import type { Api, Json } from './support/api.js';
import { anAccount, PASSWORD, signIn, type Cast } from './support/cast.js';
import { commandLine } from './support/program.js';
import { System } from './support/system.js';

let system: System;
let cast: Cast;
let token: string;
beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'crm');
  token = (await cast.owner.api.post('/v1/me/api-tokens', { name: 'Scripts', scopes: SCOPES })).token as string;
}, 90_000);
afterAll(() => system?.stop());

const { pipe, run, json } = commandLine(() => ({ url: system.url, token }));

describe('the command line copies a user’s data', () => {
  let folder: string;
  let eve: { id: string; api: Api };
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'leaver-export-'));
    const who = { name: 'Eve', email: 'eve@crm.example', staffId: 'ID Eve', password: PASSWORD, roles: ['agent'] };
    const { id } = await cast.owner.api.post<{ id: string }>('/v1/users', who);
    eve = { id, api: await signIn(system, who.email) };
    for (const shared of [true, true, false]) await eve.api.post('/v1/dashboards', { name: 'Calls', shared });
    for (const type of ['lead', 'deal']) await eve.api.post('/v1/records', { type, title: `A ${type}` });
    await eve.api.post('/v1/chatbots', { name: 'Greeter' });
    await eve.api.post('/v1/webhooks', { url: 'https://hooks.example/eve', events: ['message.received'] });
  });
  afterAll(() => rm(folder, { recursive: true }));

  const lines = (text: string | undefined) => (text ?? '').split('\n').slice(0, -1);

  it('into a ZIP file of all services, with as many rows as the preview counts', async () => {
    const { rules } = await cast.owner.api.get<{ rules: { rule: string; count: number }[] }>(
      `/v1/users/${eve.id}/departure-preview?transition=deactivated`,
    );
    const counted = (prefix: RegExp) =>
      rules.filter(({ rule }) => prefix.test(rule)).reduce((sum, { count }) => sum + count, 0);
    const path = join(folder, 'eve.zip');
    const value = await json('export-user', 'ID Eve', '--out', path);
    const file = await readFile(path);
    expect(value).toMatchObject({ status: 'completed', missing: [], file: path, size: file.length });
    expect(value.sha256).toBe(createHash('sha256').update(file).digest('hex'));
    const files = unzip(file);
    const rows = (name: string) => lines(files.get(name)).length;
    expect([rows('insights/dashboard.ndjson'), counted(/^insights\..*dashboards$/)]).toEqual([3, 3]);
    expect([rows('contacts/record.ndjson'), counted(/^contacts\.records$/)]).toEqual([2, 2]);
    expect([rows('messaging/chatbot.ndjson'), counted(/^messaging\.chatbots$/)]).toEqual([1, 1]);
    expect(files.get('integrations/webhook.ndjson')).toContain('hooks.example/eve');
    expect(files.get('integrations/webhook.ndjson')).not.toContain('secret');
    expect(files.get('identity/users.ndjson')).toContain('eve@crm.example');
    const services = ['automations', 'contacts', 'identity', 'insights', 'integrations', 'messaging', 'telephony'];
    for (const service of services) expect(files.get('index.html')).toContain(`${service}/`);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  }, 60_000);

  it('to standard output', async () => {
    const { exitCode, messages, out } = await run('export-user', eve.id, '--out', '-');
    expect([exitCode, out.slice(0, 2)]).toEqual([0, 'PK']);
    expect(messages).toMatch(/rows, SHA-256 [0-9a-f]{64}/);
  }, 60_000);

  it('into a new file only', async () => {
    const path = join(folder, 'eve.zip');
    expect(await run('export-user', eve.id, '--out', path)).toMatchObject({
      exitCode: 1,
      messages: expect.stringContaining('EEXIST'),
    });
  }, 60_000);

  it('for managers only', async () => {
    expect(await eve.api.refusal(eve.api.post(`/v1/users/${eve.id}/export`))).toMatchObject({ status: 403 });
  });
});

describe('the command line and a second pair of eyes', () => {
  let asBen: (...args: string[]) => ReturnType<typeof run>;
  beforeAll(async () => {
    cast = await anAccount(system, 'helpdesk');
    const tokenOf = async (of: typeof cast.ben) =>
      (await of.api.post('/v1/me/api-tokens', { name: 'Scripts', scopes: SCOPES })).token as string;
    token = await tokenOf(cast.owner);
    const bens = await tokenOf(cast.ben);
    asBen = commandLine(() => ({ url: system.url, token: bens })).run;
    await cast.owner.api.put('/v1/policy', { approvals: { deleted: true, bulkAbove: 1 } });
  });

  it('a deletion waits, is listed, and is approved by another manager', async () => {
    const deleting = await run('delete', cast.cleo.staffId, '--yes', '--watch');
    expect(deleting).toMatchObject({ exitCode: 0, out: expect.stringContaining('waits for another manager') });
    const [waiting] = (await json<{ items: Json[] }>('approvals')).items;
    expect(waiting).toMatchObject({ userId: cast.cleo.id, status: 'awaiting-approval' });
    const id = waiting!.id as string;
    expect((await run('approvals')).out).toContain(id);
    expect(await run('approve', id, '--yes')).toMatchObject({
      ...{ exitCode: 1, messages: expect.stringContaining('own-request') },
    });
    expect((await asBen('approve', id)).exitCode).toBe(2);
    expect(await asBen('approve', id, '--yes')).toMatchObject({ exitCode: 0, out: expect.stringContaining('running') });
    expect(await run('status', id, '--watch')).toMatchObject({ exitCode: 0 });
    expect(await cast.owner.api.get(`/v1/users/${cast.cleo.id}`)).toMatchObject({ status: 'deleted' });
  });

  it('a deletion and a list are refused with a reason', async () => {
    const { id } = await json('delete', cast.dan.staffId, '--yes');
    expect((await asBen('refuse', id as string)).exitCode).toBe(2);
    expect(await asBen('refuse', id as string, '--reason', 'Still needed')).toMatchObject({ exitCode: 0 });
    expect(await run('status', id as string)).toMatchObject({
      ...{ exitCode: 1, out: expect.stringContaining('Still needed (approval-refused)') },
    });
    const list = ['staffId', cast.dan.staffId, cast.ada.staffId].join('\n');
    const waits = JSON.parse(
      (await pipe(list, 'bulk', '-', '--transition', 'deactivated', '--yes', '--json')).out,
    ) as Json;
    expect(waits).toMatchObject({ status: 'awaiting-approval', approval: { neededFor: ['bulk'] } });
    expect(await asBen('refuse', waits.id as string, '--reason', 'Wrong list')).toMatchObject({ exitCode: 0 });
    const again = await pipe(list, 'bulk', '-', '--transition', 'deactivated', '--yes');
    expect(again).toMatchObject({ exitCode: 0, out: expect.stringContaining('waits for another manager') });
    const [, other] = /leaver approve (\S+)/.exec(again.out)!;
    expect(await asBen('approve', other!, '--yes')).toMatchObject({ exitCode: 0 });
  });
});
