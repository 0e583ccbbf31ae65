import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** DER in front of the 32 bytes of an Ed25519 key: RFC 8410. */
const PRIVATE = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC = Buffer.from('302a300506032b6570032100', 'hex');

/** The key pair of this process and the public keys of all that may call it. */
export class ServiceKeys {
  private constructor(
    /** The name under which others know the public key. */
    readonly name: string,
    readonly privateKey: KeyObject,
    private readonly publicKeys: ReadonlyMap<string, readonly KeyObject[]>,
  ) {}

  /**
   * @param privateKey 32 bytes in base64url
   * @param publicKeys by name: 32 bytes in base64url, or two during a rotation
   * @throws Error if the keys are malformed, or do not include the own one
   */
  static of(name: string, privateKey: string, publicKeys: Readonly<Record<string, string | readonly string[]>>) {
    const own = createPrivateKey({ key: der(PRIVATE, privateKey), format: 'der', type: 'pkcs8' });
    const known = Object.entries(publicKeys).map(
      ([caller, keys]) => [caller, [keys].flat().map((key) => publicKeyOf(key))] as const,
    );
    const keys = new ServiceKeys(name, own, new Map(known));
    if (!keys.of(name).some((key) => key.equals(createPublicKey(own))))
      throw new Error(`the public keys do not contain the one of ${name} that belongs to its private key`);
    return keys;
  }

  /** The public keys of this caller; none if it is unknown. */
  of(caller: string): readonly KeyObject[] {
    return this.publicKeys.get(caller) ?? [];
  }
}

const publicKeyOf = (text: string): KeyObject =>
  createPublicKey({ key: der(PUBLIC, text), format: 'der', type: 'spki' });

function der(prefix: Buffer, text: string): Buffer {
  const key = Buffer.from(text, 'base64url');
  if (key.length !== 32) throw new Error('a key has 32 bytes in base64url');
  return Buffer.concat([prefix, key]);
}
