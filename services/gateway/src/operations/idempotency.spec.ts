import { accountsCreate, authLogin } from '#libs/contracts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { World } from '../../test/world.js';

let world: World;

beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world.close());

describe('an idempotency key on a public route', () => {
  const post = async (path: string, json: object) => {
    await world.services.settled();
    return fetch(world.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': 'signup' },
      body: JSON.stringify(json),
    });
  };

  it('is scoped to the client, so that equal keys of strangers do not collide', async () => {
    const calls = world.services.handle(accountsCreate, () => ({}));
    await post('/v1/accounts', {
      name: 'Acme',
      owner: { name: 'Ada', email: 'ada@example.com', staffId: 'A-1', password: 'long enough' },
    });
    expect(calls[0]?.idempotency?.key).toMatch(/^[0-9a-f]{64}$/);
  });

  it('does not repeat the tokens of an earlier login', async () => {
    const calls = world.services.handle(authLogin, () => ({}));
    await post('/v1/auth/login', { email: 'ada@example.com', password: 'right' });
    expect(calls[0]?.idempotency).toBeUndefined();
  });
});
