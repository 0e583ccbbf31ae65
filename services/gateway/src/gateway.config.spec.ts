import { serviceKeys } from '#libs/test-kit';
import { describe, expect, it } from '@jest/globals';
import { ConfigError, loadConfig } from '#libs/platform';
import { demoAccountsOf } from './console/demo-accounts.js';
import { GatewayConfig, publicOrigin } from './gateway.config.js';

const env = { NATS_URL: 'nats://127.0.0.1:4222', ...serviceKeys('gateway') };
const load = (url?: string) =>
  loadConfig(GatewayConfig, 'gateway', { ...env, ...(url !== undefined && { PUBLIC_URL: url }) });

it.each([undefined, '', '0'])('metrics have a port of their own with METRICS_PORT %j', (port) => {
  const settings = { ...env, ...(port !== undefined && { METRICS_PORT: port }) };
  expect(loadConfig(GatewayConfig, 'gateway', settings).metricsPort).toBe(0);
});

describe('PUBLIC_URL', () => {
  it.each([
    ['https://leaver.example.com', 'https://leaver.example.com'],
    ['https://leaver.example.com/', 'https://leaver.example.com'],
    ['https://Leaver.Example.com:443', 'https://leaver.example.com'],
    ['http://localhost:3001', 'http://localhost:3001'],
    ['http://[::1]:3000', 'http://[::1]:3000'],
  ])('%s gives the origin %s', (url, origin) => {
    expect(publicOrigin(load(url))).toBe(origin);
  });

  it.each([undefined, ''])('may be unset (%j)', (url) => {
    expect(publicOrigin(load(url))).toBeUndefined();
  });

  it.each([
    'leaver.example.com',
    'ftp://leaver.example.com',
    'https://leaver.example.com/app',
    'https://leaver.example.com?tenant=1',
    'https://somebody:secret@leaver.example.com',
    'https://leaver.example.com:99999',
    'https://',
  ])('%s is refused at start', (url) => {
    expect(() => load(url)).toThrow(ConfigError);
    expect(() => load(url)).toThrow(/PUBLIC_URL must be an http or https address without a path/);
    expect(() => load(url)).not.toThrow(/secret/);
  });
});

describe('DEMO_ACCOUNTS', () => {
  const account = {
    preset: 'crm',
    account: 'Harbor & Pine',
    email: 'owner@example.com',
    password: 'known to everybody',
  };
  const accounts = (settings: Record<string, string>) =>
    demoAccountsOf(
      loadConfig(GatewayConfig, 'gateway', { ...env, DEMO_ACCOUNTS: JSON.stringify([account]), ...settings }),
    );

  it.each<Record<string, string>>([
    {},
    { HOST: '127.0.0.1' },
    { HOST: 'localhost', PUBLIC_URL: 'http://localhost:3000' },
    { HOST: '::1' },
  ])('are offered on this machine: %j', (settings) => expect(accounts(settings)).toEqual([account]));

  it.each<Record<string, string>>([
    { HOST: '0.0.0.0' },
    { HOST: '192.0.2.7' },
    { PUBLIC_URL: 'https://leaver.example.com' },
  ])('are refused where other machines reach the gateway: %j', (settings) =>
    expect(() => accounts(settings)).toThrow(/DEMO_ACCOUNTS must not be set/),
  );

  it.each(['{', '7', '[1, null]'])('must be a list of accounts: %s', (DEMO_ACCOUNTS) => {
    expect(() => accounts({ DEMO_ACCOUNTS })).toThrow(ConfigError);
  });

  it('are none without the setting', () => expect(demoAccountsOf(load())).toEqual([]));
});
