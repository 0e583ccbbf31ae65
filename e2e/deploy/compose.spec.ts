import { beforeAll, describe, expect, it } from '@jest/globals';
import { basename } from 'node:path';
import { documents, imageSets, secretsToTry, SERVICES, unknownVariables, text } from './configuration.js';

interface Service {
  image: string;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  networks?: string[] | Record<string, unknown>;
  ports?: string[];
  profiles?: string[];
  user?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
  networks: Record<string, { internal?: boolean }>;
}

let compose: Compose;
const secrets = secretsToTry();
beforeAll(() => {
  compose = documents<Compose>(text('docker-compose.yml'))[0]!;
});

const all = () => Object.entries(compose.services);
/** `${NAME:-default}` with the default. */
const plain = (value: string) => value.replace(/\$\{\w+:-([^}]*)\}/g, '$1');
const plainEnvironment = (service: Service) =>
  Object.fromEntries(Object.entries(service.environment ?? {}).map(([name, value]) => [name, plain(value)]));
/** The sources of a service's mounts, by target. */
const mounts = (service: Service): Record<string, string> =>
  Object.fromEntries(
    (service.volumes ?? []).map((mount) => mount.split(':').slice(0, 2).reverse() as [string, string]),
  );

describe('docker-compose.yml', () => {
  it.each(SERVICES)('starts %s with complete and known settings, from its own secrets', async (name) => {
    const service = compose.services[name]!;
    expect(service.command).toEqual([name]);
    expect(mounts(service)['/run/secrets']).toBe(`secrets-${name}`);
    expect(await unknownVariables(name, plainEnvironment(service), secrets.service(name))).toEqual([]);
  });

  it('gives the other gateways the settings of the first', async () => {
    const replica = compose.services['gateway-replica']!;
    expect(replica.command).toEqual(['gateway']);
    expect(await unknownVariables('gateway', plainEnvironment(replica), secrets.service('gateway'))).toEqual([]);
  });

  it.each(['databases', 'migrate'])('gives the job %s only files that exist', (name) => {
    const { environment = {}, ...job } = compose.services[name]!;
    expect(mounts(job)['/run/secrets']).toBe('secrets-jobs');
    const written = ['admin-database-url', ...Object.keys(secrets.jobs())];
    const read = Object.entries(environment).map(([variable, path]) => [variable, basename(path)]);
    expect(read.filter(([, secret]) => !written.includes(secret!))).toEqual([]);
    for (const [variable, secret] of read) {
      if (secret === 'admin-database-url') continue;
      expect(`${secret!.toUpperCase().replaceAll('-', '_')}_FILE`).toBe(variable);
    }
    expect(read.filter(([variable]) => variable!.includes('_OWNER_'))).toHaveLength(SERVICES.length - 1);
  });

  it('runs the command line as the operator of the broker, with the token that it stores in a volume', () => {
    const { entrypoint, environment, profiles, ...service } = compose.services.leaver!;
    expect([entrypoint, profiles]).toEqual([['leaver'], ['leaver']]);
    expect(environment!.NATS_URL_FILE).toBe(`/run/secrets/${Object.keys(secrets.client('operator'))[0]}`);
    expect(environment!.LEAVER_URL).toBe(`http://gateway:${imageSets('PORT')}`);
    expect(mounts(service)['/run/secrets']).toBe('secrets-operator');
    const [, home] = /^ENV LEAVER_HOME=(\S+)$/m.exec(text('deploy/Dockerfile'))!;
    expect(mounts(service)[home!]).toBe('operator');
  });

  it('shows all secrets only to the container that creates them, which has no network', () => {
    const readers = Object.entries(mounts(compose.services.secrets!)).filter(([target]) => target !== '/secrets/all');
    expect(readers.length).toBeGreaterThan(0);
    for (const [target, source] of readers) expect(source).toBe(`secrets-${basename(target)}`);
    const consumed = all()
      .map(([, service]) => mounts(service)['/run/secrets'])
      .filter(Boolean);
    expect(new Set(readers.map(([, source]) => source))).toEqual(new Set(consumed));
    expect(compose.services.secrets).toMatchObject({ network_mode: 'none' });
  });

  it('declares exactly the volumes and networks that are used', () => {
    const used = all().flatMap(([, service]) =>
      Object.values(mounts(service)).filter((source) => !/^[./]/.test(source)),
    );
    expect(new Set(used)).toEqual(new Set(Object.keys(compose.volumes)));
    const networks = all().flatMap(([, { networks = [] }]) => networks as string[]);
    expect(new Set(networks)).toEqual(new Set(Object.keys(compose.networks)));
  });

  it('mounts only files that exist', () => {
    const local = all().flatMap(([, service]) =>
      Object.values(mounts(service)).filter((source) => /^[./]/.test(source)),
    );
    expect(local.length).toBeGreaterThan(0);
    for (const path of local) expect(() => text(path)).not.toThrow(/ENOENT/);
  });

  it('publishes ports only on this machine, by default only the gateway’s', () => {
    const published = all().filter(([, { ports = [] }]) => ports.length > 0);
    for (const [, { ports }] of published) for (const port of ports!) expect(plain(port)).toMatch(/^127\.0\.0\.1:/);
    expect(published.filter(([, { profiles }]) => !profiles).map(([name]) => name)).toEqual(['gateway']);
    expect(compose.networks.inside).toEqual({ internal: true });
    expect(compose.services.postgres!.networks).toEqual(['inside']);
    expect(compose.services.nats!.networks).toEqual(['inside']);
  });

  it('runs every container without privileges', () => {
    for (const [name, service] of all()) {
      const { read_only, cap_drop, security_opt } = service;
      expect({ name, read_only, cap_drop, security_opt }).toEqual({
        name,
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
    }
  });

  it('contains no password', () => {
    const sensitive = all().flatMap(([, { environment = {} }]) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|SECRET|TOKEN|_URL/.test(name)),
    );
    expect(sensitive.length).toBeGreaterThan(20);
    const isHarmless = (name: string, value: string) =>
      name.endsWith('_FILE')
        ? value.startsWith('/run/secrets/')
        : value === '' || (name.endsWith('_URL') && new URL(value).password === '');
    for (const [name, value] of sensitive) expect([name, isHarmless(name, plain(value))]).toEqual([name, true]);
  });
});

describe('monitoring', () => {
  it('scrapes the port of the metrics, which is not published, of every service', () => {
    const [prometheus] = documents<{ scrape_configs: { dns_sd_configs: { names: string[]; port: number }[] }[] }>(
      text('deploy/monitoring/prometheus.yml'),
    );
    const [discovery] = prometheus!.scrape_configs[0]!.dns_sd_configs;
    expect(discovery).toMatchObject({ names: SERVICES, port: imageSets('METRICS_PORT') });
    const published = all().flatMap(([, { ports = [] }]) => ports.map((port) => Number(port.split(':').at(-1))));
    expect(published).toContain(imageSets('PORT'));
    expect(published).not.toContain(imageSets('METRICS_PORT'));
  });
});
