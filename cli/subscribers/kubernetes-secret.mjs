/** @import { BrokerConfiguration } from '../../scripts/lib/broker-configuration.mjs' */
import { text } from 'node:stream/consumers';
import { CommandError, EXIT } from '../exit-codes.mjs';

const FILE = 'users.conf';
/** The Service of NATS' chart. */
export const HOST = 'leaver-nats:4222';

/** @typedef {{ kind: 'Secret', data: Record<string, string> }} Secret as `kubectl get --output json` prints it */

/**
 * Reads the Secret `leaver-nats-users` from standard input.
 * @returns {Promise<Secret>}
 */
export async function readSecret() {
  try {
    const secret = JSON.parse(await text(process.stdin));
    if (secret.kind === 'Secret' && secret.data[FILE]) return secret;
  } catch {
    // Reported below.
  }
  throw new CommandError(
    EXIT.usage,
    'Standard input has to be the Secret: kubectl get secret leaver-nats-users --output json | leaver subscribers … --secret -',
  );
}

/**
 * @param {Secret} secret
 * @returns {BrokerConfiguration}
 */
export const configurationIn = ({ data }) => JSON.parse(Buffer.from(data[FILE] ?? '', 'base64').toString());

/**
 * @param {Secret} secret
 * @param {BrokerConfiguration} configuration
 * @returns {Secret}
 */
export const withConfiguration = (secret, configuration) => ({
  ...secret,
  data: { ...secret.data, [FILE]: Buffer.from(JSON.stringify(configuration, null, 2)).toString('base64') },
});
