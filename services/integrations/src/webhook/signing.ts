import { createHmac } from 'node:crypto';
import type { Ids } from '#libs/database';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

/** Creates a secret in the format of the Standard Webhooks specification (https://www.standardwebhooks.com). */
export const newSecret = (ids: Ids): string =>
  PREFIX + Buffer.from(ids.secret(SECRET_BYTES), 'base64url').toString('base64');

/**
 * Returns the headers with which a receiver verifies sender and time.
 * @param id the same for each attempt, so that the receiver can detect repetitions
 */
export function signedHeaders(secret: string, id: string, at: Date, body: string): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
