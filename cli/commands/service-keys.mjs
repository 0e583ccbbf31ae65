import { generateKeyPairSync } from 'node:crypto';
import { defineCommand } from '../command.mjs';
import { EXIT } from '../exit-codes.mjs';
import { services } from '../../scripts/lib/services.mjs';

/** Makes the keys with which services sign their calls. It stores nothing. */
export const serviceKeys = defineCommand({
  usage: 'service-keys [<name> …]',
  about: 'make the keys SERVICE_KEY and SERVICE_PUBLIC_KEYS of these services; default: all, and the operator',
  args: 'any',
  run: async ({ args, out, report }) => {
    const names = args.length > 0 ? args : [...services, 'operator'];
    const pairs = names.map((name) => /** @type {const} */ ([name, newPair()]));
    const keys = {
      serviceKeys: Object.fromEntries(pairs.map(([name, { privateKey }]) => [name, privateKey])),
      servicePublicKeys: Object.fromEntries(pairs.map(([name, { publicKey }]) => [name, publicKey])),
    };
    report(keys, () => {
      for (const [name, { privateKey }] of pairs) out.line(`SERVICE_KEY of ${name}: ${privateKey}`);
      out.line(`SERVICE_PUBLIC_KEYS (the same for every service): ${JSON.stringify(keys.servicePublicKeys)}`);
    });
    return EXIT.done;
  },
});

function newPair() {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  return { privateKey: /** @type {string} */ (d), publicKey: /** @type {string} */ (x) };
}
