import { hash } from 'node:crypto';
import { publicServiceKey } from '#libs/local-servers';

/** Names that sign calls in tests. */
const NAMES = [
  ...[
    'gateway',
    'identity',
    'contacts',
    'messaging',
    'telephony',
    'automations',
    'integrations',
    'insights',
    'notifications',
    'operator',
  ],
  ...['billing', 'notes', 'orders', 'sleeper', 'east', 'west', 'stranger'],
];

/** Always the same, so that processes of a test need not exchange keys. */
const privateKeyOf = (name: string): string => hash('sha256', `the key of ${name} in tests`, 'base64url');

/** The settings with the keys of a service. Any name may be a service. */
export function serviceKeys(name: string): { SERVICE_KEY: string; SERVICE_PUBLIC_KEYS: string } {
  const names = [...new Set([...NAMES, name])];
  const publicKeys = Object.fromEntries(names.map((one) => [one, publicServiceKey(privateKeyOf(one))]));
  return { SERVICE_KEY: privateKeyOf(name), SERVICE_PUBLIC_KEYS: JSON.stringify(publicKeys) };
}
