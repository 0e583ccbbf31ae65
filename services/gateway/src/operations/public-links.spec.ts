import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ALL_OPERATIONS, nestedIn, publicLinks, schedulerLinks, schemaOf, type Class } from '#libs/contracts';
import { anId, bodyOf, World } from '../../test/world.js';

const ORIGIN = 'https://leaver.example.com';
const link = (url: string) => ({ id: anId(), url, title: '/not a link/' });

let world: World;
let unaware: string;
beforeAll(async () => {
  world = await World.create({ env: { PUBLIC_URL: `${ORIGIN}/` } });
  unaware = await world.addGateway();
  world.services.handle(publicLinks.list, () => ({ items: [link('/p/one'), link('/p/two')], nextCursor: null }));
  world.services.handle(schedulerLinks.create, () => link('/m/maya'));
  world.services.handle(schedulerLinks.update, () => link('/m/maya'));
});
afterAll(() => world.close());

describe('links to public pages', () => {
  it('are absolute in lists and in single responses, and nothing else is changed', async () => {
    const list = await bodyOf(await world.request('GET', '/v1/public-links'));
    expect(list.items).toMatchObject([{ url: `${ORIGIN}/p/one`, title: '/not a link/' }, { url: `${ORIGIN}/p/two` }]);
    const changed = await world.request('PATCH', `/v1/scheduler-links/${anId()}`, { json: { title: 'Lunch' } });
    expect(await bodyOf(changed)).toMatchObject({ url: `${ORIGIN}/m/maya`, title: '/not a link/' });
  });

  it('do not change `Location`, which leads to the API and not to the page', async () => {
    const created = await world.request('POST', '/v1/scheduler-links', { json: { slug: 'maya', title: 'Lunch' } });
    expect((await bodyOf(created)).url).toBe(`${ORIGIN}/m/maya`);
    expect(created.headers.get('location')).toMatch(/^\/v1\/scheduler-links\//);
  });

  it('stay paths if PUBLIC_URL is not set', async () => {
    const headers = { authorization: `Bearer ${await world.token()}` };
    const list = await bodyOf(await fetch(`${unaware}/v1/public-links`, { headers }));
    expect(list.items).toMatchObject([{ url: '/p/one' }, { url: '/p/two' }]);
  });

  it('are not part of any response that a custom controller writes', () => {
    const hasLink = (type: Class): boolean =>
      JSON.stringify(schemaOf(type)).includes('"uri-reference"') || nestedIn(type).some(hasLink);
    const withLinks = ALL_OPERATIONS.filter(({ answer }) => answer && hasLink(answer));
    expect(withLinks.length).toBeGreaterThan(4);
    expect(withLinks.filter(({ custom }) => custom)).toEqual([]);
  });
});
