import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import {
  findNatsServer,
  natsAuthorization,
  natsConfiguration,
  natsTls,
  startNats,
  type Nats,
} from '#libs/local-servers';
import { eventually } from '#libs/test-kit';
import { reloadOnChange } from '../scripts/lib/broker-configuration.mjs';
import { readSecrets } from '../scripts/lib/home.mjs';
import { accounts, ACCOUNTS } from '../scripts/lib/nats-accounts.mjs';
import { natsUsers, ruleOwner } from '../scripts/lib/nats-users.mjs';
import { leaver } from './support/program.js';

interface Users {
  accounts: Record<string, { users: { user: string; password: string; permissions?: object }[] }>;
}
const subscribersOf = ({ accounts: { SUBSCRIBERS } }: Users) => SUBSCRIBERS!.users;

const accepts = async (address: string): Promise<boolean> => {
  const { host, username: user, password: pass } = new URL(address);
  return connect({ servers: host, user, pass, reconnect: false, inboxPrefix: `_INBOX_${user}` }).then(
    async (nats) => (await nats.close(), true),
    () => false,
  );
};

describe('leaver subscribers', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'leaver-subscribers-'));
  });
  afterEach(() => rm(home, { recursive: true, force: true }));

  const run = (args: string[], options: { input?: string; env?: Record<string, string> } = {}) =>
    leaver(['subscribers', ...args], { LEAVER_HOME: home, ...options.env }, { input: options.input });

  describe('with the broker of npm start', () => {
    let nats: Nats;
    let stopWatch: () => Promise<void>;
    beforeEach(async () => {
      const { nats: passwords, subscribers } = await readSecrets(home);
      const dir = join(home, 'nats');
      const server = await findNatsServer('.cache/nats');
      nats = await startNats({ server, dir, users: natsUsers(passwords, subscribers), accounts, throwaway: true });
      stopWatch = reloadOnChange(dir, nats.reload);
      const running = { pid: process.pid, url: 'http://127.0.0.1:1', operator: nats.url };
      await writeFile(join(home, 'running.json'), JSON.stringify(running));
    });
    afterEach(async () => {
      await stopWatch();
      await nats.stop();
    });

    it('adds a subscriber that can connect at once and after the next start, and shows its address once', async () => {
      const { exitCode, out } = await run(['add', 'orders']);
      expect(exitCode).toBe(0);
      expect(out).toMatch(new RegExp(`^nats://orders:[\\w-]{43}@127.0.0.1:${nats.port}\n$`));
      expect(await accepts(out.trim())).toBe(true);
      const { password } = new URL(out.trim());
      for (const args of [['list'], ['list', '--json'], ['permissions', 'orders']])
        expect((await run(args)).out).not.toContain(password);
      const { nats: passwords, subscribers } = await readSecrets(home);
      const { accounts: written } = JSON.parse(await readFile(join(home, 'nats/nats.conf'), 'utf8')) as Users;
      // The next start writes the same users.
      expect({ accounts: written }).toEqual(natsAuthorization(natsUsers(passwords, subscribers), accounts));
    });

    it('does not end the connections of others, and removes a subscriber together with its connection', async () => {
      const [orders, payroll] = [(await run(['add', 'orders'])).out.trim(), (await run(['add', 'payroll'])).out.trim()];
      const open = (address: string) => {
        const { host, username: user, password: pass } = new URL(address);
        return connect({ servers: host, user, pass, reconnect: false });
      };
      const [leaving, staying] = [await open(orders), await open(payroll)];
      expect((await run(['remove', 'orders'])).exitCode).toBe(0);
      await eventually(() => leaving.isClosed());
      await staying.flush();
      await staying.close();
      expect(await accepts(orders)).toBe(false);
      expect((await run(['list'])).out).toBe('subscriber\npayroll\n');
    });

    it.each([
      [['add', 'contacts'], 2, 'cannot be the name'],
      [['add', 'contacts-users'], 2, 'cannot be the name'],
      [['add', 'Orders!'], 2, 'cannot be the name'],
      [['add'], 2, 'Usage'],
      [['list', 'orders'], 2, 'Usage'],
      [['remove', 'orders'], 1, 'no subscriber orders'],
    ])('refuses %j', async (args, code, message) => {
      const { exitCode, messages } = await run(args);
      expect([exitCode, messages]).toEqual([code, expect.stringContaining(message)]);
    });

    it('refuses a name that the broker knows already', async () => {
      await run(['add', 'orders']);
      expect(await run(['add', 'orders'])).toMatchObject({ exitCode: 1, messages: expect.stringContaining('already') });
    });
  });

  it('writes the files of Compose, and says how to reload NATS', async () => {
    for (const folder of ['all', 'nats']) await mkdir(join(home, folder));
    const { nats: passwords } = await readSecrets(join(home, 'all'));
    const configuration = natsConfiguration({
      host: '0.0.0.0',
      port: 4222,
      store: '/data',
      users: natsUsers(passwords),
      accounts,
      ...natsTls('/run/secrets'),
    });
    await writeFile(join(home, 'nats/nats.conf'), configuration);
    const env = { LEAVER_VOLUMES: home };
    const { exitCode, out, messages } = await run(['add', 'orders'], { env });
    expect([exitCode, out, messages]).toEqual([
      0,
      expect.stringMatching(/^tls:\/\/orders:[\w-]{43}@nats:4222\n$/),
      expect.stringContaining('docker compose kill --signal HUP nats'),
    ]);
    const changed = JSON.parse(await readFile(join(home, 'nats/nats.conf'), 'utf8')) as Users & { jetstream: object };
    const { subscribers } = await readSecrets(join(home, 'all'));
    expect(changed).toMatchObject({ jetstream: { store_dir: '/data' }, port: 4222 });
    expect(subscribersOf(changed).at(-1)).toMatchObject({ user: 'orders', password: subscribers.orders });
  });

  describe('with a Secret of Kubernetes', () => {
    let users: Users;
    const passwordIn = (configuration: Users) =>
      subscribersOf(configuration).find(({ user }) => user === 'orders')!.password;
    beforeEach(async () => {
      users = natsAuthorization(natsUsers((await readSecrets(home)).nats), accounts) as Users;
    });

    const secretOf = (content: Users) => ({
      kind: 'Secret',
      metadata: { name: 'leaver-nats-users', resourceVersion: '7' },
      data: { 'users.conf': Buffer.from(JSON.stringify(content)).toString('base64') },
    });
    const change = async (args: string[], content = users) => {
      const { exitCode, out, messages } = await run([...args, '--secret', '-'], {
        input: JSON.stringify(secretOf(content)),
      });
      expect([exitCode, args[0] === 'add' ? '' : messages]).toEqual([0, '']);
      const secret = JSON.parse(out) as ReturnType<typeof secretOf>;
      expect(secret.metadata).toEqual(secretOf(content).metadata);
      const changed = JSON.parse(Buffer.from(secret.data['users.conf'], 'base64').toString()) as Users;
      return { changed, messages };
    };

    it('adds and removes a subscriber; the address goes to standard error', async () => {
      const { changed, messages } = await change(['add', 'orders']);
      const { user, password } = subscribersOf(changed).at(-1)!;
      expect(user).toBe('orders');
      expect(messages).toContain(`tls://orders:${password}@leaver-nats:4222`);
      expect((await change(['remove', 'orders'], changed)).changed).toEqual(users);
    });

    it('refreshes the permissions of services, external services and subscribers, and leaves passwords and other users', async () => {
      const { changed } = await change(['add', 'orders']);
      const billing = { name: 'billing', password: 'b', ...ruleOwner('billing') };
      const mailer = {
        name: 'mailer',
        password: 'm',
        account: ACCOUNTS.services,
        publish: [],
        subscribe: ['mail.requested'],
      };
      const all = [...natsUsers((await readSecrets(home)).nats, { orders: passwordIn(changed) }), billing, mailer];
      const current = natsAuthorization(all, accounts) as Users;
      const former = JSON.parse(JSON.stringify(current).replaceAll('integrations-departure-events', 'former')) as Users;
      delete (former.accounts.SERVICES as { imports?: object }).imports;
      expect((await change(['refresh'], former)).changed).toEqual(current);
    });

    it('moves the users of earlier releases, which had one account, to accounts', async () => {
      const { changed } = await change(['add', 'orders']);
      const { nats: passwords } = await readSecrets(home);
      const orders = {
        name: 'orders',
        password: passwordIn(changed),
        publish: ['$JS.API.INFO', '$JS.API.CONSUMER.MSG.NEXT.USERS.orders', '$JS.ACK.USERS.orders.>'],
        subscribe: ['_INBOX_orders.>'],
      };
      const mailer = { name: 'mailer', password: 'm', publish: [], subscribe: ['mail.requested'] };
      const before = natsUsers(passwords).filter(({ name }) => name !== 'identity-streams');
      const former = natsAuthorization([...before, orders, mailer]) as Users;
      const { changed: current } = await change(['refresh'], former);
      const everybody = natsUsers(passwords, { orders: passwordIn(changed) });
      const expected = natsAuthorization([...everybody, { ...mailer, account: ACCOUNTS.services }], accounts);
      expect(current).toEqual(expected);
    });

    it('refuses anything else on standard input', async () => {
      expect(await run(['add', 'orders', '--secret', '-'], { input: '{}' })).toMatchObject({
        exitCode: 2,
        messages: expect.stringContaining('kubectl get secret'),
      });
    });
  });
});
