import { fileURLToPath } from 'node:url';
// jest compiles the test files, but not what this file imports.
import './typescript.mjs';

export default async function setUp() {
  const { startRunServers } = await import('./src/run-servers.ts');
  globalThis.stopRunServers = await startRunServers(fileURLToPath(new URL('../../.cache/nats', import.meta.url)));
}
