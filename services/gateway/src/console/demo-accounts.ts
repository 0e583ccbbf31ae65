import { ConfigError } from '#libs/platform';
import { isLoopback } from './loopback.js';
import type { GatewayConfig } from '../gateway.config.js';

/** An account of the demo, whose owner's password is known to everybody. */
export interface DemoAccount {
  preset: string;
  account: string;
  email: string;
  password: string;
}

/**
 * The accounts that the sign-in page offers.
 * @throws ConfigError unless only this machine can reach the gateway: a password that everybody knows must not be offered to others
 */
export function demoAccountsOf(config: GatewayConfig): DemoAccount[] {
  const { demoAccounts, host, publicUrl, serviceName } = config;
  if (!demoAccounts) return [];
  if (!isLoopback(host) || (publicUrl && !isLoopback(new URL(publicUrl).hostname)))
    throw new ConfigError(serviceName, [
      'DEMO_ACCOUNTS must not be set where other machines reach the gateway: HOST and PUBLIC_URL must name this machine',
    ]);
  return parse(demoAccounts, serviceName);
}

const FIELDS = ['preset', 'account', 'email', 'password'] as const;

function parse(text: string, serviceName: string): DemoAccount[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    // The message below says what is wrong without quoting a password.
  }
  if (Array.isArray(list) && list.every(isDemoAccount)) return list;
  throw new ConfigError(serviceName, [`DEMO_ACCOUNTS must be a JSON list of objects with ${FIELDS.join(', ')}`]);
}

const isDemoAccount = (one: unknown): one is DemoAccount =>
  typeof one === 'object' && one !== null && FIELDS.every((field) => typeof Reflect.get(one, field) === 'string');
