import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto';

/** DER in front of the 32 bytes of a private Ed25519 key: RFC 8410. */
const PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A new private key with which a service signs its calls: 32 bytes in base64url. */
export const newServiceKey = (): string => randomBytes(32).toString('base64url');

/** The public key, in base64url. */
export function publicServiceKey(privateKey: string): string {
  const der = Buffer.concat([PRIVATE, Buffer.from(privateKey, 'base64url')]);
  const { x } = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({ format: 'jwk' });
  return x!;
}
