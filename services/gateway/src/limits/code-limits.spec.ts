import { authLogin, authStepUp, Problem } from '#libs/contracts';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { bearer, World } from '../../test/world.js';

let world: World;
beforeEach(async () => {
  world = await World.create({ env: { FAILED_LOGINS_PER_MINUTE: '3' } });
});
afterEach(() => world.close());

const post = (path: string, json: object) => world.request('POST', path, { json });

it('limits guesses of codes of a signed-in user, and sign-ins without an email by their address only', async () => {
  const wrong = () => {
    throw new Problem('invalid-credentials');
  };
  world.services.handle(authStepUp, wrong);
  world.services.handle(authLogin, wrong);
  await world.services.settled();
  const mine = bearer(await world.token());
  const prove = () => world.request('POST', '/v1/auth/step-up', { json: { totp: '123456' }, headers: mine });
  for (let n = 0; n < 3; n++) expect((await prove()).status).toBe(401);
  expect((await prove()).status).toBe(429);
  const goOn = (challenge: string) => post('/v1/auth/login', { challenge, totp: '123456' });
  for (let n = 0; n < 3; n++) expect((await goOn(`challenge ${n}`)).status).toBe(401);
  const refused = await goOn('another challenge');
  expect([refused.status, refused.headers.get('ratelimit')]).toEqual([
    429,
    expect.stringContaining('failed-logins-by-address-and-person'),
  ]);
});
