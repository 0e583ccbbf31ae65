import { SCOPES } from '#libs/contracts';
import { connectNats } from '#libs/broker';
import type { NatsConnection } from '@nats-io/transport-node';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commands, help } from '../cli/commands.mjs';
import { EXIT } from '../cli/exit-codes.mjs';
import type { Json } from './support/api.js';
import { anAccount, PASSWORD, type Cast } from './support/cast.js';
import { leaver, type Finished } from './support/program.js';
import { System } from './support/system.js';

/** In seconds. Long enough for everything that does not wait for the silent service, even on a busy machine. */
const TIMEOUT = '5';

describe('a time limit', () => {
  let system: System;
  let cast: Cast;
  let folder: string;
  let token: string;

  const patient = (args: string[], env: Record<string, string> = {}, options: Parameters<typeof leaver>[2] = {}) =>
    leaver(args, { LEAVER_HOME: folder, LEAVER_URL: system.url, LEAVER_TOKEN: token, ...env }, options);
  const run: typeof patient = (args, ...more) => patient([...args, '--timeout', TIMEOUT], ...more);

  beforeAll(async () => {
    system = await System.start();
    folder = await mkdtemp(join(tmpdir(), 'leaver-cli-'));
    cast = await anAccount(system, 'crm');
    token = (await cast.owner.api.post('/v1/me/api-tokens', { name: 'Scripts', scopes: SCOPES })).token as string;
    expect(await patient(['deactivate', cast.ben.id, '--yes', '--watch'])).toMatchObject({ exitCode: 0 });
    // A service that has not been onboarded yet needs no catch-up.
    expect(await patient(['catch-up', 'insights', '--watch'], system.operator)).toMatchObject({ exitCode: 0 });
    await system.stopOne('insights');
  }, 120_000);
  afterAll(async () => {
    await system?.stop();
    await rm(folder, { recursive: true });
  });

  // Each command waits for its time limit, so those of a group run at the same time.

  describe('for a service that is down', () => {
    let verification: Promise<Finished>;
    let departure: Promise<Finished>;
    let list: Promise<Finished>;
    let catchUp: Promise<Finished>;
    beforeAll(async () => {
      const file = join(folder, 'leavers.csv');
      await writeFile(file, `"Staff ID"\n\n"${cast.dan.staffId}"\nno such id\n`);
      verification = run(['verify']);
      departure = run(['deactivate', cast.cleo.id, '--yes', '--watch', '--json']);
      list = run(['bulk', file, '--transition', 'deactivated', '--watch', '--yes']);
      const words = ['catch-up', 'insights', '--since', '2026-01-01T00:00:00Z', '--watch'];
      catchUp = run(words, { ...system.operator });
    });

    it('ends a verification, and the message names the service', async () => {
      const { exitCode, out, messages } = await verification;
      expect([exitCode, out]).toEqual([4, '0 users have been checked so far.\n']);
      expect(messages).toMatch(/^The verification made no progress for 5 s\. insights: .+ \(service-unavailable\)\n$/);
    }, 60_000);

    it('ends watching a departure, which continues', async () => {
      const left = await departure;
      expect(left).toMatchObject({
        exitCode: 4,
        messages: expect.stringMatching(/The departure made no progress for 5 s\. Not finished: insights\.\n$/),
      });
      const { id } = JSON.parse(left.out) as Json;
      expect(await patient(['status', String(id)])).toMatchObject({
        exitCode: 0,
        out: expect.stringContaining('running'),
      });
      expect(await run(['status', String(id), '--watch'])).toMatchObject({
        exitCode: 4,
        messages: expect.stringContaining('insights'),
      });
    }, 60_000);

    it('ends watching a list, and the message also names the staff id', async () => {
      expect(await list).toMatchObject({
        exitCode: 4,
        out: expect.stringMatching(/2 +no such id +refused +unknown-user/),
        messages: expect.stringMatching(
          new RegExp(`The list made no progress for 5 s\\. ${cast.dan.staffId}: Not finished: insights\\.\\n$`),
        ),
      });
    }, 60_000);

    it('ends waiting for a service to catch up', async () => {
      expect(await catchUp).toMatchObject({ exitCode: 4, messages: 'insights made no progress for 5 s.\n' });
    }, 60_000);

    it('does not apply to the operator’s commands, which detect that it is down', async () => {
      const env = { ...system.operator };
      expect(await run(['dead-letters'], env)).toMatchObject({ exitCode: 3, messages: 'insights is not running.\n' });
      expect(await run(['drift'], env)).toMatchObject({ exitCode: 3, messages: 'insights is not running.\n' });
    });
  });

  describe('for a service that does not answer', () => {
    let silent: NatsConnection;
    let deadLetters: Promise<Finished>;
    beforeAll(async () => {
      silent = await connectNats({ url: system.brokerUrl('insights'), name: 'insights' });
      silent.subscribe('lifecycle.insights.>');
      await silent.flush();
      deadLetters = run(['dead-letters', '--json'], { ...system.operator });
    });
    afterAll(() => silent.close());

    it('ends every command that asks it, and the message names the service', async () => {
      const env = { ...system.operator };
      const all = [['dead-letters'], ['replay', '--all'], ['drift']].map(async (words) => {
        const { exitCode, messages } = await run(words, env);
        expect([words, exitCode, messages]).toEqual([words, 4, 'insights did not answer within 5 s.\n']);
      });
      await Promise.all(all);
    }, 60_000);

    it('does not suppress the answers of the others', async () => {
      expect(JSON.parse((await deadLetters).out)).toEqual([]);
    });
  });

  describe('for a gateway or broker that accepts connections and sends nothing', () => {
    let server: Server;
    let address: string;
    let login: Promise<Finished>;
    let operator: Promise<Finished>;
    beforeAll(async () => {
      server = createServer((socket) => void socket.on('error', () => undefined));
      await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
      address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
      const stranger = { LEAVER_URL: `http://${address}`, LEAVER_TOKEN: '' };
      login = run(['login', '--email', cast.owner.email], stranger, { input: `${PASSWORD}\n` });
      operator = run(['dead-letters'], { ...system.operator, NATS_URL: `nats://a:b@${address}` });
    });
    afterAll(() => void server.close());

    it('ends every command, and the message names the gateway', async () => {
      const url = `http://${address}`;
      const words = [
        ['preview', 'me'],
        ['status', 'id'],
        ['verify'],
        ['reactivate', 'me'],
        ['deactivate', 'me', '--yes'],
        ['bulk', '-', '--transition', 'deleted', '--yes'],
      ];
      const all = words.map(async (one) => {
        const { exitCode, messages } = await run(one, { LEAVER_URL: url }, { input: 'staffId\none\n' });
        expect([one, exitCode, messages]).toEqual([
          one,
          4,
          expect.stringContaining(`${url} did not answer within 5 s: `),
        ]);
        expect(messages.trim().split('\n')).toHaveLength(1);
      });
      await Promise.all(all);
    }, 60_000);

    it('ends login', async () => {
      const { exitCode, messages } = await login;
      expect([exitCode, messages]).toEqual([4, expect.stringContaining('POST /v1/auth/login')]);
    }, 60_000);

    it('ends commands of operators, and the message names the broker', async () => {
      const { exitCode, messages } = await operator;
      expect([exitCode, messages]).toEqual([3, expect.stringContaining(address)]);
    }, 60_000);
  });
});

describe('time limits and exit codes', () => {
  const run = (...args: string[]) => leaver(args, { LEAVER_TOKEN: 'lvr_some', LEAVER_URL: 'http://127.0.0.1:9' });

  it('an invalid timeout is refused', async () => {
    for (const wrong of ['0', '-1', 'soon', '1e3', '2000000'])
      expect([wrong, await run('verify', `--timeout=${wrong}`)]).toEqual([
        wrong,
        { exitCode: 2, out: '', messages: expect.stringContaining('--timeout is a number of seconds above 0') },
      ]);
  });

  it('empty arguments and options, as from unset variables, are refused', async () => {
    for (const words of [
      ['status', ''],
      ['preview', ' '],
      ['replay', ''],
      ['deactivate', 'me', '--reason', ''],
    ])
      expect([words, (await run(...words)).exitCode]).toEqual([words, 2]);
  });

  it('are explained by `leaver help`', () => {
    for (const code of Object.values(EXIT)) expect(help()).toMatch(new RegExp(`^  ${code}  \\S`, 'm'));
    expect(help()).toContain('--timeout');
  });

  it('every command accepts a timeout', async () => {
    const words = [...commands].map(([name, { args }]) => [name, ...(args === 1 ? ['some'] : [])]);
    for (const one of words) expect([one, (await run(...one, '--timeout', '1', '--help')).exitCode]).toEqual([one, 0]);
  });
});
