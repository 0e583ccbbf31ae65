import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { migrate, ormOptions } from '#libs/database';
import {
  createServiceDatabase,
  startNats,
  startPostgres,
  withClient,
  type Nats,
  type Postgres,
} from '#libs/local-servers';
import { startService, type RunningService } from '#libs/platform';
import { eventually, serviceKeys, temporaryFolder, testRun } from '#libs/test-kit';
import { certify, newAuthority, type Certified } from '../deploy/container/certificates.mjs';
import { accounts } from '../scripts/lib/nats-accounts.mjs';
import { brokerUsers } from '../scripts/lib/services.mjs';
import { natsUsers } from '../scripts/lib/nats-users.mjs';
import { explainDatabase } from '../scripts/lib/server-trust.mjs';
import { PARTS, SECRETS } from './support/foundation.js';
import { leaver } from './support/program.js';

const now = new Date();
const HERE = ['localhost', '127.0.0.1'];
const PASSWORD = 'a-password-for-tests';
const identity = PARTS.find(({ name }) => name === 'identity')!;
const users = natsUsers(Object.fromEntries(brokerUsers.map((name) => [name, PASSWORD])));

/** Real servers with certificates like those that the image's jobs make. */
describe('connections to PostgreSQL and NATS', () => {
  let dir: string;
  let authority: Certified;
  /** The files with the certificate of the CA, and with that of another one. */
  let trusted: string;
  let other: { file: string; certificate: string };
  let postgres: Postgres;
  let nats: Nats;
  let urls: { url: string; ownerUrl: string };

  const natsWith = async (names: string[], folder: string) =>
    startNats({
      server: testRun().natsServer,
      dir: await mkdtemp(join(dir, folder)),
      users,
      accounts,
      tls: await certify(authority, { names }, now),
      throwaway: true,
    });
  const natsUrl = (user: string, to = nats) => `tls://${user}:${PASSWORD}@localhost:${to.port}`;
  const env = (changes: Record<string, string> = {}) => ({
    DATABASE_URL: urls.url,
    NATS_URL: natsUrl('identity'),
    NATS_CA: authority.certificate,
    LOG_LEVEL: 'silent',
    ...serviceKeys('identity'),
    ...SECRETS,
    ...changes,
  });
  const start = (changes?: Record<string, string>): Promise<RunningService> =>
    startService({ ...identity, env: env(changes) });
  const refusal = async (changes: Record<string, string>): Promise<string> => {
    const started = await start(changes).catch((error: Error) => error);
    if (started instanceof Error) return started.message;
    await started.close();
    throw new Error('the service started');
  };
  /** PostgreSQL reads it again on SIGHUP. */
  const replaceCertificate = async (names: string[]) => {
    const { certificate, key } = await certify(authority, { names }, now);
    await writeFile(join(dir, 'postgres/tls.crt'), certificate);
    await writeFile(join(dir, 'postgres/tls.key'), key);
    process.kill(postgres.pid, 'SIGHUP');
  };
  const withParameter = (name: string, value?: string) => {
    const url = new URL(urls.url);
    if (value === undefined) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
    return url.href;
  };

  beforeAll(async () => {
    dir = await temporaryFolder();
    authority = await newAuthority(now);
    other = { file: join(dir, 'other.crt'), certificate: (await newAuthority(now)).certificate };
    trusted = join(dir, 'ca.crt');
    await writeFile(trusted, authority.certificate);
    await writeFile(other.file, other.certificate);
    const tls = { ...(await certify(authority, { names: HERE }, now)), trusted };
    await mkdir(join(dir, 'postgres'));
    [postgres, nats] = await Promise.all([
      startPostgres({ dir: join(dir, 'postgres'), durable: false, throwaway: true, tls }),
      natsWith(HERE, 'nats-'),
    ]);
    urls = await createServiceDatabase(postgres.adminUrl, 'identity', {
      passwords: { owner: PASSWORD, runtime: PASSWORD },
    });
    await migrate(urls.ownerUrl, identity.migrations);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([postgres?.stop(), nats?.stop()]);
    await rm(dir, { recursive: true, force: true });
  });

  it('are all encrypted, and so are those of the command line', async () => {
    const service = await start();
    try {
      await eventually(async () => {
        const { rows } = await withClient(postgres.adminUrl, (client) =>
          client.query<{ name: string; ssl: boolean; version: string }>(
            `select application_name as name, ssl, version from pg_stat_ssl join pg_stat_activity using (pid)
             where usename = 'identity'`,
          ),
        );
        expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(['', 'outbox-relay', 'session-ends']));
        expect(rows.filter(({ ssl, version }) => !ssl || !/^TLSv1\.[23]$/.test(version))).toEqual([]);
      });
      const { exitCode, out } = await leaver(['dead-letters', '--service', 'identity', '--json'], {
        NATS_URL: natsUrl('operator'),
        NATS_CA_FILE: trusted,
        SERVICE_KEY: serviceKeys('operator').SERVICE_KEY,
      });
      expect([exitCode, JSON.parse(out)]).toEqual([0, []]);
    } finally {
      await service.close();
    }
  }, 60_000);

  it('are refused without TLS', async () => {
    await expect(
      withClient(withParameter('sslmode', 'disable').replace(/&?sslrootcert=[^&]*/, ''), noWork),
    ).rejects.toThrow('no encryption');
    const socket = connectTcp(nats.port, '127.0.0.1');
    const said = text(socket);
    await once(socket, 'connect');
    socket.write('CONNECT {"verbose":true}\r\nPING\r\n');
    // The server greets, and then expects a handshake.
    const answers = (await said).split('\r\n').slice(1).join();
    expect(answers).not.toMatch(/\+OK|PONG/);
  });

  it('are refused to a server whose CA is not trusted', async () => {
    const untrusted = withParameter('sslrootcert', other.file);
    await expect(migrate(untrusted, identity.migrations).catch(explainDatabase('identity'))).rejects.toThrow(
      /PostgreSQL is not trusted for identity: .*not from a CA that is trusted here/,
    );
    expect(await refusal({ DATABASE_URL: untrusted })).toMatch(
      /DATABASE_URL: PostgreSQL at localhost:\d+ is not trusted: .*not from a CA that is trusted here.*sslrootcert in the address/s,
    );
    const reason =
      /NATS at localhost:\d+ is not trusted: .*not from a CA that is trusted here.*NATS_CA_FILE has to be/s;
    expect(await refusal({ NATS_CA: other.certificate })).toMatch(reason);
    // Without a CA of its own, a service trusts those of Node.js.
    expect(await refusal({ NATS_CA: '' })).toMatch(reason);
    expect(
      await leaver(['dead-letters'], {
        NATS_URL: natsUrl('operator'),
        NATS_CA_FILE: other.file,
        SERVICE_KEY: 'unused',
      }),
    ).toMatchObject({ exitCode: 3, messages: expect.stringMatching(/can’t be reached .* NATS_CA_FILE/) });
  }, 30_000);

  it('are refused to a server whose certificate is for other names, until it is replaced', async () => {
    const elsewhere = await natsWith(['nats.example.com'], 'elsewhere-');
    try {
      expect(await refusal({ NATS_URL: natsUrl('identity', elsewhere) })).toMatch(/NATS at .* is for other names/);
    } finally {
      await elsewhere.stop();
    }
    await replaceCertificate(['postgres.example.com']);
    await eventually(() => expect(withClient(urls.url, noWork)).rejects.toThrow('altnames'));
    expect(await refusal({})).toMatch(/PostgreSQL at .* is for other names/);
    await replaceCertificate(HERE);
    await eventually(() => withClient(urls.url, noWork));
  }, 30_000);

  it('are refused to a server that offers no TLS', async () => {
    const plain = await startNats({
      server: testRun().natsServer,
      dir: await mkdtemp(join(dir, 'plain-')),
      throwaway: true,
    });
    try {
      expect(await refusal({ NATS_URL: `nats://localhost:${plain.port}` })).toMatch(/NATS at .* does not offer TLS/);
      const { port } = new URL(testRun().adminUrl);
      const url = new URL(urls.url);
      url.port = port;
      expect(await refusal({ DATABASE_URL: url.href })).toMatch(/PostgreSQL at .* does not offer TLS/);
    } finally {
      await plain.stop();
    }
  }, 30_000);

  it.each([
    ['sslmode', 'require', 'sslmode must be verify-full'],
    ['sslmode', 'no-verify', 'sslmode must be verify-full'],
    ['sslmode', undefined, 'sslmode must be verify-full'],
    ['sslrootcert', '/nowhere/ca.crt', 'sslrootcert must name a file that can be read (ENOENT)'],
  ])('are not made with %s=%s in the address of the database', async (name, value, message) => {
    const url = withParameter(name, value);
    expect(await refusal({ DATABASE_URL: url })).toContain(message);
    expect(() => ormOptions(url, [])).toThrow(message);
  });

  it('are not made to an IP address, whose certificate would be compared with `localhost`', async () => {
    const url = new URL(urls.url);
    url.hostname = '127.0.0.1';
    expect(await refusal({ DATABASE_URL: url.href })).toContain('the host must be a name');
  });
});

const noWork = () => Promise.resolve();
