import { fileURLToPath } from 'node:url';
// jest compiles the test files, but not what this file imports.
import '../../scripts/lib/typescript-loader.mjs';

export default async function setUp() {
  const { startRunServers } = await import('#libs/test-kit');
  globalThis.stopRunServers = await startRunServers(fileURLToPath(new URL('../../.cache/nats', import.meta.url)));
}
