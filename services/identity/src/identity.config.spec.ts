import { serviceKeys } from '#libs/test-kit';
import { expect, it } from '@jest/globals';
import { loadConfig } from '#libs/platform';
import { IdentityConfig } from './identity.config.js';

const env = {
  DATABASE_URL: 'postgres://localhost/identity',
  NATS_URL: 'nats://localhost:4222',
  ...serviceKeys('identity'),
  LEAVER_SECRET: 'x'.repeat(32),
};

it('hashes passwords with 19 MiB and two passes unless told otherwise', () => {
  expect(loadConfig(IdentityConfig, 'identity', env)).toMatchObject({ passwordMemoryKib: 19_456, passwordPasses: 2 });
});

it('reports every fault at once and quotes no secret', () => {
  const load = () =>
    loadConfig(IdentityConfig, 'identity', { ...env, LEAVER_SECRET: 'too short', PASSWORD_PASSES: '0' });
  expect(load).toThrow(/LEAVER_SECRET[^]*PASSWORD_PASSES|PASSWORD_PASSES[^]*LEAVER_SECRET/);
  expect(load).not.toThrow(/too short/);
});
