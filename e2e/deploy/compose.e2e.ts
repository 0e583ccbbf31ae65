import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '#libs/test-kit';
import { dataServices, services } from '../../scripts/lib/services.mjs';
import { anAccount, belongings, contactsCsv, PASSWORD, type Cast } from '../support/cast.js';
import { counts, linesOf, over, type Departure } from '../support/departures.js';
import { allIntroduced } from '../support/readiness.js';
import { certificatesShown, expectEncryption, expectPlainRefused } from './encryption.js';
import { Load, verify } from './load.js';
import { RetryingClient } from './retrying-client.js';
import { carryOutRunbooks } from './runbook-run.js';
import { Stack } from './stack.js';

const CONTACTS = 400;

interface Preview {
  planToken: string;
  rules: [];
}

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.up();
  await allIntroduced(stack.url);
}, 600_000);
afterAll(() => stack?.down(), 120_000);

async function aCompany(preset: string, index: number): Promise<Cast> {
  const cast = await anAccount(stack, preset);
  const file = contactsCsv([cast.ada, cast.ben, cast.cleo, cast.dan], CONTACTS);
  expect(await cast.ada.api.upload('/v1/contact-imports', file)).toMatchObject({ status: 'completed' });
  await belongings(cast, index);
  return cast;
}

/** Ada leaves: the receipts equal the preview, and nothing remains. */
async function leave({ owner, ada }: Cast, transition: 'deactivated' | 'deleted'): Promise<void> {
  const preview = await owner.api.get<Preview>(`/v1/users/${ada.id}/departure-preview?transition=${transition}`);
  const verb = transition === 'deleted' ? 'delete' : 'deactivate';
  const accepted = await owner.api.post<Departure>(`/v1/users/${ada.id}/${verb}`, { planToken: preview.planToken });
  const departure = await over(owner.api, accepted, 60_000);
  expect(departure).toMatchObject({ status: 'completed' });
  expect(counts(linesOf(departure))).toEqual(counts(preview.rules));
  expect(linesOf(departure).filter(({ remaining }) => remaining !== 0)).toEqual([]);
}

describe('what docker compose starts', () => {
  it.each(['crm', 'helpdesk', 'texting'])(
    'lets a user of preset %s leave, come back, and leave for good',
    async (preset) => {
      const cast = await aCompany(preset, preset.length);
      await leave(cast, 'deactivated');
      const back = await cast.owner.api.post<Departure>(`/v1/users/${cast.ada.id}/reactivate`);
      expect(await over(cast.owner.api, back, 60_000)).toMatchObject({ status: 'completed' });
      if (preset === 'crm') await leave(cast, 'deactivated');
      await leave(cast, 'deleted');
      expect(await cast.owner.api.get(`/v1/users/${cast.ada.id}`)).toMatchObject({ name: 'Deleted user', email: null });
      await verify(cast);
    },
    180_000,
  );

  it('publishes only the gateway, and only on this machine', async () => {
    const reachable = (await stack.containers()).filter(({ published }) => published.length > 0);
    expect(reachable.map(({ service }) => service)).toEqual(['gateway']);
    expect(reachable[0]!.published).toEqual([new URL(stack.url).host]);
  });

  it('runs the services without privileges, with a read-only file system', async () => {
    const running = (await stack.containers(...services)).map(({ name }) => name);
    expect(running).toHaveLength(services.length);
    for (const name of running) {
      const { Config, HostConfig } = await stack.inspect<Inspected>(name);
      expect(Config.User).toBe('1000:1000');
      expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ['ALL'], CapAdd: null });
    }
  });

  it('gives each service only its own secrets, and none in its environment', async () => {
    const secretsOf = async (service: string) => {
      const [container] = await stack.containers(service);
      const files = (await stack.inside(container!.name, 'ls', '/run/secrets')).trim().split('\n');
      const texts = await Promise.all(
        files.map((file) => stack.inside(container!.name, 'cat', `/run/secrets/${file}`)),
      );
      const { Config } = await stack.inspect<Inspected>(container!.name);
      for (const text of texts) expect(Config.Env.join('\n')).not.toContain(text);
      return files;
    };
    const everybody = ['ca.crt', 'nats-url', 'service-key', 'service-public-keys'];
    expect(await secretsOf('gateway')).toEqual(everybody);
    expect(await secretsOf('insights')).toEqual(['database-url', ...everybody].sort());
    expect(await secretsOf('identity')).toEqual(['database-url', 'leaver-secret', ...everybody].sort());
    expect(await secretsOf('integrations')).toEqual(['database-url', 'integrations-secret', ...everybody].sort());
  }, 60_000);
});

describe('on the network', () => {
  it('all connections to PostgreSQL and NATS are encrypted, and others are refused', async () => {
    await expectEncryption(stack, services);
    await expectPlainRefused(stack);
  }, 60_000);

  it('certificates are renewed as deploy/README.md says, and services connect again', async () => {
    const before = await certificatesShown(stack);
    await stack.compose('run', '--rm', 'secrets', 'certificates');
    await stack.compose('kill', '--signal', 'HUP', 'nats');
    await stack.compose('restart', 'postgres');
    await eventually(
      async () => {
        const after = await certificatesShown(stack);
        expect(after.filter((fingerprint) => before.includes(fingerprint))).toEqual([]);
      },
      { timeout: 30_000, interval: 1_000 },
    );
    await stack.compose('up', '--wait', '--no-recreate');
    await expectEncryption(stack, services);
  }, 180_000);
});

/** Runs `disturb` under load. */
async function underLoad(url: string, disturb: () => Promise<void>): Promise<Load> {
  const cast = await anAccount(stack, 'texting');
  const { accessToken } = await stack.api().post('/v1/auth/login', { email: cast.owner.email, password: PASSWORD });
  const load = new Load(new RetryingClient(url, accessToken as string), cast, 3);
  try {
    await disturb();
  } catch (error) {
    // The load may fail, too, because a service stays away: the first error is the reason.
    load.stop().catch(() => undefined);
    throw error;
  }
  await load.stop();
  expect(load.accepted.length).toBeGreaterThan(10);
  return load;
}

describe('under load', () => {
  it('a rolling restart loses nothing, and each service stops within 5 seconds', async () => {
    const stopTimes: Record<string, number> = {};
    const load = await underLoad(stack.url, async () => {
      for (const service of services) {
        const begun = performance.now();
        await stack.compose('stop', '--timeout', '20', service);
        stopTimes[service] = Math.round(performance.now() - begun);
        expect(await stack.containers(service)).toMatchObject([{ service, state: 'exited', exitCode: 0 }]);
        await stack.compose('up', '--no-deps', '--wait', service);
      }
    });
    process.stdout.write(`milliseconds to stop: ${JSON.stringify(stopTimes)}; departures: ${load.accepted.length}\n`);
    // This includes Docker's own time.
    expect(Math.max(...Object.values(stopTimes))).toBeLessThan(6_000);
    await load.checkNothingLost();
  }, 600_000);

  it('two replicas of every service share the work behind a proxy, and one of each can be killed', async () => {
    const scale = dataServices.flatMap((service) => ['--scale', `${service}=2`]);
    await stack.compose('--profile', 'replicas', 'up', '--wait', '--no-recreate', ...scale);
    const pairs = await Promise.all(
      [...dataServices, 'gateway-replica'].map(async (service) => {
        const found = await stack.containers(service);
        expect(found).toHaveLength(2);
        return found.map(({ name }) => name) as [string, string];
      }),
    );
    const load = await underLoad(stack.proxyUrl, async () => {
      await eventually(() => sharing(pairs), { timeout: 60_000, interval: 2_000 });
      await Promise.all(pairs.map(([first]) => stack.kill(first)));
    });
    await load.checkNothingLost();
  }, 600_000);
});

describe('the proxy', () => {
  // HAProxy's own 404 is HTML.
  const answerOf = async (path: string) => {
    const response = await fetch(stack.proxyUrl + path);
    return [response.status, /html/.test(response.headers.get('content-type') ?? '') ? 'proxy' : 'gateway'];
  };

  it('forwards what is public and nothing else', async () => {
    await stack.compose(
      '--profile',
      'replicas',
      'up',
      '--wait',
      '--no-recreate',
      '--no-deps',
      'proxy',
      'gateway-replica',
    );
    for (const [path, status] of [
      ['/', 200],
      ['/openapi.json', 200],
      ['/asyncapi.json', 200],
      ['/.well-known/jwks.json', 200],
      ['/docs/swagger-ui.css', 200],
      ['/v1/me', 401],
      ['/scim/v2/Users', 401],
      ['/p/unknown', 404],
      ['/m/unknown', 404],
    ] as const)
      expect([path, ...(await answerOf(path))]).toEqual([path, status, 'gateway']);
    for (const path of ['/health/ready', '/metrics', '/people'])
      expect([path, ...(await answerOf(path))]).toEqual([path, 404, 'proxy']);
  }, 120_000);
});

describe('the runbooks', () => {
  it('can be carried out with docker compose, command by command', async () => {
    await stack.compose('up', '--wait');
    const cast = await anAccount(stack, 'crm');
    const e164 = '+14155550199';
    await cast.owner.api.post('/v1/numbers', { e164, kind: 'personal', ownerId: cast.ben.id });
    const { id } = await cast.owner.api.post<Departure>(`/v1/users/${cast.ada.id}/deactivate`, {});
    await over(cast.owner.api, { id }, 60_000);
    await carryOutRunbooks(stack, cast, { departure: id, number: e164 });
  }, 600_000);
});

/** Each container has answered requests, and two replicas wait for events on each consumer. */
async function sharing(pairs: [string, string][]): Promise<void> {
  for (const name of pairs.flat()) {
    const shown = [...(await stack.metrics(name)).keys()];
    const answers = shown.some((metric) =>
      /^leaver_(call_seconds_count|http_seconds_count\{.*route="\/v1)/.test(metric),
    );
    expect({ name, answers }).toEqual({ name, answers: true });
  }
  const [broker] = await stack.containers('nats');
  const page = await stack.inside(broker!.name, 'wget', '-qO-', 'http://127.0.0.1:8222/jsz?consumers=true');
  const { account_details } = JSON.parse(page) as BrokerReport;
  const consumers = account_details.flatMap(({ stream_detail }) =>
    stream_detail.flatMap(({ consumer_detail = [] }) => consumer_detail),
  );
  const waiting = consumers.filter(({ name }) => /-(users|receipts)$/.test(name));
  expect(waiting).toHaveLength(dataServices.length);
  for (const { name, num_waiting } of waiting) expect({ name, num_waiting }).toEqual({ name, num_waiting: 2 });
}

interface BrokerReport {
  account_details: { stream_detail: { consumer_detail?: { name: string; num_waiting: number }[] }[] }[];
}

interface Inspected {
  Config: { User: string; Env: string[] };
  HostConfig: { ReadonlyRootfs: boolean; CapDrop: string[]; CapAdd: string[] | null };
}
