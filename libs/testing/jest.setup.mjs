import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { transformFileSync } from '@swc/core';

const isTypeScript = (url) => url?.startsWith('file:') && url.endsWith('.ts');

// jest compiles the test files, but not what this file imports.
registerHooks({
  resolve(specifier, context, next) {
    const source = isTypeScript(context.parentURL) && specifier.startsWith('.');
    return next(source ? specifier.replace(/\.js$/, '.ts') : specifier, context);
  },
  load(url, context, next) {
    if (!isTypeScript(url)) return next(url, context);
    const options = {
      swcrc: false,
      jsc: { target: 'es2024', parser: { syntax: 'typescript' } },
      module: { type: 'es6' },
    };
    return { format: 'module', source: transformFileSync(fileURLToPath(url), options).code, shortCircuit: true };
  },
});

export default async function setUp() {
  const { startRunServers } = await import('./src/run-servers.ts');
  globalThis.stopRunServers = await startRunServers(fileURLToPath(new URL('../../.cache/nats', import.meta.url)));
}
