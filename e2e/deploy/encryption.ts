import { eventually } from '#libs/test-kit';
import type { Stack } from './stack.js';

const TLS = /^TLSv1\.[23]$/;

interface DatabaseConnection {
  role: string;
  ssl: boolean;
  version: string;
}

interface BrokerConnection {
  authorized_user: string;
  tls_version?: string;
}

/** The connections to PostgreSQL over the network, as PostgreSQL sees them. */
async function databaseConnections(stack: Stack): Promise<DatabaseConnection[]> {
  const [postgres] = await stack.containers('postgres');
  const query = `select coalesce(json_agg(json_build_object('role', usename, 'ssl', ssl, 'version', version)), '[]')
    from pg_stat_ssl join pg_stat_activity using (pid) where client_addr is not null`;
  return JSON.parse(await stack.inside(postgres!.name, 'psql', '--username=postgres', '-Atc', query)) as [];
}

/** The connections to NATS, as NATS sees them. */
async function brokerConnections(stack: Stack): Promise<BrokerConnection[]> {
  const [nats] = await stack.containers('nats');
  const page = await stack.inside(nats!.name, 'wget', '-qO-', 'http://127.0.0.1:8222/connz?auth=true');
  return (JSON.parse(page) as { connections: BrokerConnection[] }).connections;
}

/** Every service has connections, and none is without TLS. */
export async function expectEncryption(stack: Stack, services: readonly string[]): Promise<void> {
  await eventually(
    async () => {
      const databases = await databaseConnections(stack);
      expect(databases.filter(({ ssl, version }) => !ssl || !TLS.test(version))).toEqual([]);
      const roles = databases.map(({ role }) => role);
      expect(roles).toEqual(expect.arrayContaining(services.filter((service) => service !== 'gateway')));
    },
    { timeout: 30_000, interval: 1_000 },
  );
  const connections = await brokerConnections(stack);
  const users = connections.map(({ authorized_user }) => authorized_user);
  expect(users).toEqual(expect.arrayContaining([...services, 'identity-streams']));
  // NATS writes the version without letters.
  expect(connections.filter(({ tls_version = '' }) => !TLS.test(`TLSv${tls_version}`))).toEqual([]);
}

/** With the credentials of identity, but without TLS. */
const CONNECT_PLAIN = `
  import { connect } from 'node:net';
  import { readFileSync } from 'node:fs';
  import { text } from 'node:stream/consumers';
  import pg from 'pg';
  const { host, pathname, username, password } = new URL(readFileSync(process.env.DATABASE_URL_FILE, 'utf8').trim());
  const client = new pg.Client('postgres://' + username + ':' + password + '@' + host + pathname);
  const database = await client.connect().then(() => 'connected', (error) => error.message);
  const socket = connect(4222, 'nats');
  socket.on('connect', () => socket.write('CONNECT {"verbose":true}\\r\\nPING\\r\\n'));
  const [, ...broker] = (await text(socket)).split('\\r\\n');
  console.log(JSON.stringify({ database, broker: broker.join() }));
`;

export async function expectPlainRefused(stack: Stack): Promise<void> {
  const [identity] = await stack.containers('identity');
  const said = await stack.inside(identity!.name, 'node', '--input-type=module', '--eval', CONNECT_PLAIN);
  const { database, broker } = JSON.parse(said) as { database: string; broker: string };
  expect(database).toMatch(/no encryption/);
  expect(broker).not.toMatch(/\+OK|PONG/);
}

/** Both servers speak first without TLS: NATS greets, PostgreSQL answers the request for TLS. */
const SHOW_CERTIFICATES = `
  import { connect as connectTcp } from 'node:net';
  import { connect } from 'node:tls';
  const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
  const shown = (servername, port, request) =>
    new Promise((done, failed) => {
      const plain = connectTcp(port, servername, () => request && plain.write(request)).once('error', failed);
      plain.once('data', () => {
        const socket = connect({ socket: plain, servername, rejectUnauthorized: false }, () => {
          done(socket.getPeerX509Certificate().fingerprint256);
          socket.destroy();
        }).once('error', failed);
      });
    });
  console.log(JSON.stringify([await shown('postgres', 5432, SSL_REQUEST), await shown('nats', 4222)]));
`;

/** The fingerprints of the certificates with which PostgreSQL and NATS answer. */
export async function certificatesShown(stack: Stack): Promise<string[]> {
  const [identity] = await stack.containers('identity');
  return JSON.parse(
    await stack.inside(identity!.name, 'node', '--input-type=module', '--eval', SHOW_CERTIFICATES),
  ) as string[];
}
