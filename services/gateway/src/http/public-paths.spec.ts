import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { bodyOf, World } from '../../test/world.js';
import { publicPaths } from './public-paths.js';

let world: World;
beforeAll(async () => {
  world = await World.create();
});
afterAll(() => world.close());

const isPublic = (path: string) =>
  publicPaths().some(({ type, value }) => path === value || (type === 'PathPrefix' && path.startsWith(`${value}/`)));

describe('the public paths', () => {
  it('are few enough for the configuration of any proxy', () => {
    expect(publicPaths().map(({ type, value }) => `${type} ${value}`)).toEqual([
      'Exact /',
      'Exact /.well-known/jwks.json',
      'PathPrefix /assets',
      'Exact /asyncapi.json',
      'PathPrefix /bulk',
      'Exact /console.json',
      'PathPrefix /departures',
      'PathPrefix /docs',
      'PathPrefix /invitation',
      'PathPrefix /m',
      'Exact /openapi.json',
      'PathPrefix /p',
      'PathPrefix /password-reset',
      'PathPrefix /people',
      'PathPrefix /policy',
      'PathPrefix /profile',
      'PathPrefix /scim/v2',
      'PathPrefix /set-up',
      'PathPrefix /sign-in',
      'PathPrefix /trail',
      'PathPrefix /v1',
    ]);
  });

  it('cover everything in the OpenAPI document except probes and metrics', async () => {
    const { paths } = await bodyOf(await fetch(`${world.url}/openapi.json`));
    const internal = Object.keys(paths).filter((path) => !isPublic(path));
    expect(internal.sort()).toEqual(['/health/live', '/health/ready']);
  });

  it('cover the files of the documentation page', async () => {
    const page = await (await fetch(`${world.url}/docs`)).text();
    const loaded = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
    expect(loaded).toHaveLength(4);
    expect(loaded.filter((path) => !isPublic(path))).toEqual([]);
  });

  it('cover every link of the start page', async () => {
    const { name: _name, ...links } = await bodyOf(await fetch(`${world.url}/`));
    expect(Object.values<string>(links).filter((path) => !isPublic(path))).toEqual([]);
  });
});
