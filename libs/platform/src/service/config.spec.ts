import { serviceKeys } from '#libs/test-kit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Flag, Text } from '#libs/contracts';
import { BaseConfig, ConfigError, loadConfig, ServiceConfig, type Environment } from './config.js';

class ExampleConfig extends ServiceConfig {
  @Text({ min: 10 })
  masterSecret: string;

  @Flag({ optional: true })
  demo = false;
}

const complete = (overrides: Environment = {}): Environment => ({
  DATABASE_URL: 'postgres://somebody:hidden@127.0.0.1:5432/example',
  NATS_URL: 'nats://127.0.0.1:4222',
  ...serviceKeys('example'),
  MASTER_SECRET: 'long enough for this',
  ...overrides,
});

const faultsOf = (env: Environment): readonly string[] => {
  try {
    loadConfig(ExampleConfig, 'example', env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
};

describe('settings', () => {
  it('come from environment variables named after the fields, otherwise from defaults', () => {
    const config = loadConfig(ExampleConfig, 'example', complete({ PORT: '8080', DEMO: 'true' }));
    expect({ ...config }).toEqual({
      serviceName: 'example',
      databaseUrl: 'postgres://somebody:hidden@127.0.0.1:5432/example',
      natsUrl: 'nats://127.0.0.1:4222',
      masterSecret: 'long enough for this',
      serviceKey: serviceKeys('example').SERVICE_KEY,
      servicePublicKeys: serviceKeys('example').SERVICE_PUBLIC_KEYS,
      callsUnsigned: 'refuse',
      natsReplicas: 1,
      statementTimeoutMs: 30_000,
      lockTimeoutMs: 10_000,
      backgroundStatementTimeoutMs: 300_000,
      backgroundLockTimeoutMs: 60_000,
      idleInTransactionTimeoutMs: 60_000,
      otelTracesSampler: 'parentbased_always_on',
      otelTracesSamplerArg: 1,
      port: 8080,
      host: '127.0.0.1',
      logLevel: 'info',
      demo: true,
    });
  });

  it('report all faults together, one line each, by variable name', () => {
    expect(faultsOf({ PORT: '99999', NATS_URL: 'http://x', LOG_LEVEL: 'loud', MASTER_SECRET: '' })).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^DATABASE_URL is not set; it must be the address of a PostgreSQL database/),
        expect.stringMatching(/^NATS_URL must be the address of a NATS server/),
        expect.stringMatching(/^PORT must not be greater than 65535/),
        expect.stringMatching(/^LOG_LEVEL must be one of/),
        expect.stringMatching(/^MASTER_SECRET is not set/),
        expect.stringMatching(/^SERVICE_KEY is not set; it must be .*`leaver service-keys`/),
        expect.stringMatching(/^SERVICE_PUBLIC_KEYS is not set; it must be .*`leaver service-keys`/),
      ]),
    );
    expect(faultsOf({ PORT: '99999', NATS_URL: 'http://x', LOG_LEVEL: 'loud', MASTER_SECRET: '' })).toHaveLength(7);
  });

  it('never show a value in the error', () => {
    expect(() =>
      loadConfig(ExampleConfig, 'example', complete({ MASTER_SECRET: 'sesame', DATABASE_URL: 'my:hidden' })),
    ).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/sesame|hidden/) }));
  });

  it('report a number or flag that cannot be parsed', () => {
    expect(faultsOf(complete({ PORT: 'eighty', DEMO: 'yes' }))).toEqual([
      expect.stringMatching(/^PORT must be an integer/),
      expect.stringMatching(/^DEMO must be a boolean/),
    ]);
  });

  it('need no database URL in a process without a database', () => {
    expect(
      loadConfig(BaseConfig, 'gateway', { NATS_URL: 'tls://a:4222,b:4222', ...serviceKeys('gateway') }).natsUrl,
    ).toBe('tls://a:4222,b:4222');
  });
});

describe('a setting in a file', () => {
  let folder: string;
  const file = (name: string) => join(folder, name);
  const fromFile = (name: string) => complete({ MASTER_SECRET: undefined, MASTER_SECRET_FILE: file(name) });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'leaver-config-'));
    await writeFile(file('secret'), '  kept in a file of its own\n');
    await writeFile(file('port'), '8080\n');
    await writeFile(file('empty'), '\n');
    await writeFile(file('short'), 'sesame\n');
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is used like the variable, without surrounding whitespace', () => {
    const config = loadConfig(ExampleConfig, 'example', { ...fromFile('secret'), PORT_FILE: file('port') });
    expect(config).toMatchObject({ masterSecret: 'kept in a file of its own', port: 8080 });
  });

  it('counts as not set when the file is empty', () => {
    expect(faultsOf(fromFile('empty'))).toEqual([expect.stringMatching(/^MASTER_SECRET is not set/)]);
  });

  it('is validated like any other and never shown', () => {
    expect(faultsOf(fromFile('short'))).toEqual([expect.stringMatching(/^MASTER_SECRET (?!.*sesame)/)]);
  });

  it('is reported like other faults when the file cannot be read', () => {
    expect(faultsOf({ ...fromFile('missing'), PORT: '99999' })).toEqual([
      'MASTER_SECRET_FILE must name a file that can be read (ENOENT)',
      expect.stringMatching(/^PORT must not be greater/),
    ]);
  });

  it('is refused together with the variable', () => {
    expect(faultsOf({ ...fromFile('secret'), MASTER_SECRET: 'another one of these' })).toEqual([
      'MASTER_SECRET and MASTER_SECRET_FILE are both set; only one of them may be',
    ]);
  });
});
