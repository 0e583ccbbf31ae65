import type { Api, Json } from './api.js';
import { bodyFor, removalOrder } from '../security/bodies.js';
import type { Route, Routes } from '../security/routes.js';

/** Lists that the leaver, who is an admin, may not read. */
const OWNERS_ONLY = ['/v1/account/scim-tokens'];

/**
 * Creates one record of each kind that has an owner and of which the caller has none, with the example body of the API
 * description. A new plain resource then needs no code in the tests that cover all resources.
 */
export async function oneOfEach(routes: Routes, api: Api): Promise<void> {
  const { id: me } = await api.get<{ id: string }>('/v1/me');
  const creates = new Map(routes.all.filter(({ method }) => method === 'POST').map((route) => [route.path, route]));
  const lists = new Set(routes.all.filter(({ method }) => method === 'GET').map(({ path }) => path));
  const records = new Map([['/v1/users', me]]);
  // Records that a body refers to are created first.
  for (const path of removalOrder(routes).reverse()) {
    const create = creates.get(path)!;
    if (
      OWNERS_ONLY.includes(path) ||
      create.params.length > 0 ||
      create.takes !== 'user' ||
      !lists.has(path) ||
      records.has(path)
    )
      continue;
    const { items = [] } = await api.get<{ items?: Json[] }>(path);
    const own = items.find(({ ownerId }) => ownerId === me);
    const used = own ?? items[0];
    if (own || !hasOwner(routes, create)) {
      if (typeof used?.id === 'string') records.set(path, used.id);
      continue;
    }
    records.set(path, (await api.post(path, bodyFor(routes, create, records))).id as string);
  }
}

const hasOwner = (routes: Routes, { answer }: Route) => {
  const { properties = {} } = answer ? routes.resolve(answer) : {};
  return 'id' in properties && 'ownerId' in properties;
};
