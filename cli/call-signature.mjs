import { createPrivateKey, hash, randomUUID, sign } from 'node:crypto';
import { CommandError, EXIT } from './exit-codes.mjs';

/** DER in front of the 32 bytes of a private Ed25519 key: RFC 8410. */
const PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * Signs a request of the operator as services sign their calls: libs/broker/src/calls/call-signature.ts.
 * @param {string} privateKey 32 bytes in base64url
 * @param {string} subject
 * @param {string} packet
 */
export function signedByOperator(privateKey, subject, packet) {
  const bytes = Buffer.from(privateKey, 'base64url');
  if (bytes.length !== 32) throw new CommandError(EXIT.unreachable, 'SERVICE_KEY is not a key: 32 bytes in base64url.');
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE, bytes]), format: 'der', type: 'pkcs8' });
  const stamp = ['leaver-call-1', 'operator', Date.now(), randomUUID()].join('.');
  const content = [stamp, subject, hash('sha256', packet, 'base64url'), hash('sha256', '', 'base64url')].join('\n');
  return `${stamp}.${sign(null, Buffer.from(content), key).toString('base64url')}`;
}
