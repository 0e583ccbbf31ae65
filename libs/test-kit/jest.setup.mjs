import { fileURLToPath } from 'node:url';
// Jest compiles the test files, but not the imports of this file.
import '../../scripts/lib/typescript-loader.mjs';

/** @typedef {typeof globalThis & { stopRunServers?: () => Promise<void> }} TestGlobal what setup leaves for teardown */

export default async function setUp() {
  const { startRunServers } = await import('./src/run-servers.ts');
  /** @type {TestGlobal} */ (globalThis).stopRunServers = await startRunServers(
    fileURLToPath(new URL('../../.cache/nats', import.meta.url)),
  );
}
