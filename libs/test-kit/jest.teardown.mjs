/** @import { TestGlobal } from './jest.setup.mjs' */

export default async function tearDown() {
  await /** @type {TestGlobal} */ (globalThis).stopRunServers?.();
}
