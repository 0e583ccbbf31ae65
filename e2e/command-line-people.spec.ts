import { SCOPES } from '#libs/contracts';
import type { Json } from './support/api.js';
import { anAccount, signIn, type Cast } from './support/cast.js';
import { leaver } from './support/program.js';
import { System } from './support/system.js';

let system: System;
let cast: Cast;
let token: string;
beforeAll(async () => {
  system = await System.start();
  cast = await anAccount(system, 'crm');
  token = (await cast.owner.api.post('/v1/me/api-tokens', { name: 'Scripts', scopes: SCOPES })).token as string;
}, 90_000);
afterAll(() => system?.stop());

const run = (...args: string[]) =>
  leaver(args, { LEAVER_HOME: '/nowhere', LEAVER_URL: system.url, LEAVER_TOKEN: token });
const json = async <T = Json>(...args: string[]): Promise<T> => JSON.parse((await run(...args, '--json')).out) as T;

describe('the command line locks a user out', () => {
  const comesIn = () =>
    signIn(system, cast.ada.email).then(
      () => true,
      () => false,
    );

  it('until they are resumed', async () => {
    expect(await json('suspend', cast.ada.staffId)).toMatchObject({ id: cast.ada.id, suspendedAt: expect.any(String) });
    expect(await comesIn()).toBe(false);
    expect(await run('resume', cast.ada.email)).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('is not suspended'),
    });
    expect(await comesIn()).toBe(true);
  });

  it('by ending the sessions only', async () => {
    const api = await signIn(system, cast.ben.email);
    expect(await run('sessions', 'end', cast.ben.id)).toMatchObject({ exitCode: 0, messages: '' });
    expect(await cast.owner.api.refusal(api.get('/v1/me'))).toMatchObject({ status: 401 });
    for (const wrong of [['sessions'], ['sessions', 'list', cast.ben.id], ['sessions', 'end']])
      expect((await run(...wrong)).exitCode).toBe(2);
  });

  it('and reports a refusal', async () => {
    expect(await run('suspend', cast.owner.id)).toMatchObject({
      exitCode: 1,
      messages: expect.stringContaining('forbidden'),
    });
  });
});
