import { describe, expect, it } from '@jest/globals';
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
  it('come from environment variables named after the fields, with defaults for the rest', () => {
    const config = loadConfig(ExampleConfig, 'example', complete({ PORT: '8080', DEMO: 'true' }));
    expect({ ...config }).toEqual({
      serviceName: 'example',
      databaseUrl: 'postgres://somebody:hidden@127.0.0.1:5432/example',
      natsUrl: 'nats://127.0.0.1:4222',
      masterSecret: 'long enough for this',
      port: 8080,
      host: '127.0.0.1',
      logLevel: 'info',
      demo: true,
    });
  });

  it('faults are listed together, one line each, by the name of the variable', () => {
    expect(faultsOf({ PORT: '99999', NATS_URL: 'http://x', LOG_LEVEL: 'loud', MASTER_SECRET: '' })).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^DATABASE_URL is not set; it must be the address of a PostgreSQL database/),
        expect.stringMatching(/^NATS_URL must be the address of a NATS server/),
        expect.stringMatching(/^PORT must not be greater than 65535/),
        expect.stringMatching(/^LOG_LEVEL must be one of/),
        expect.stringMatching(/^MASTER_SECRET is not set/),
      ]),
    );
    expect(faultsOf({ PORT: '99999', NATS_URL: 'http://x', LOG_LEVEL: 'loud', MASTER_SECRET: '' })).toHaveLength(5);
  });

  it('the error never shows a value', () => {
    expect(() =>
      loadConfig(ExampleConfig, 'example', complete({ MASTER_SECRET: 'sesame', DATABASE_URL: 'my:hidden' })),
    ).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/sesame|hidden/) }));
  });

  it('a number or flag that is none is a fault', () => {
    expect(faultsOf(complete({ PORT: 'eighty', DEMO: 'yes' }))).toEqual([
      expect.stringMatching(/^DEMO must be a boolean/),
      expect.stringMatching(/^PORT must be an integer/),
    ]);
  });

  it('a process without a database needs no address of one', () => {
    expect(loadConfig(BaseConfig, 'gateway', { NATS_URL: 'tls://a:4222,b:4222' }).natsUrl).toBe('tls://a:4222,b:4222');
  });
});
