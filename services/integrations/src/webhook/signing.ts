import { createHmac } from 'node:crypto';
import type { Ids } from '#libs/database';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

/** Creates a secret in the format of the Standard Webhooks specification (https://www.standardwebhooks.com). */
export const newSecret = (ids: Ids): string =>
  PREFIX + Buffer.from(ids.secret(SECRET_BYTES), 'base64url').toString('base64');

export interface Signed {
  /** The same for each attempt, so that the receiver can tell repetitions. */
  id: string;
  at: Date;
  body: string;
}

/**
 * Returns the headers with which a receiver verifies sender and time.
 * @param secrets the current one, and the former one while it is valid; each adds a signature
 */
export function signedHeaders(secrets: readonly string[], { id, at, body }: Signed): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
