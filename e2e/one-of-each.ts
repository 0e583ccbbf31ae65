import type { Api, Json } from './api.js';
import { bodyFor, removalOrder } from './security/bodies.js';
import type { Route, Routes } from './security/routes.js';

/**
 * Makes one of each kind of record that has an owner, where the caller has none of their own yet, with the body that the
 * API description gives as an example. So a plain new resource needs no line in the tests that go through all of them.
 */
export async function oneOfEach(routes: Routes, api: Api): Promise<void> {
  const { id: me } = await api.get<{ id: string }>('/v1/me');
  const creates = new Map(routes.all.filter(({ method }) => method === 'POST').map((route) => [route.path, route]));
  const lists = new Set(routes.all.filter(({ method }) => method === 'GET').map(({ path }) => path));
  const records = new Map([['/v1/users', me]]);
  // What a body refers to comes first.
  for (const path of removalOrder(routes).reverse()) {
    const create = creates.get(path)!;
    if (create.params.length > 0 || create.takes !== 'user' || !lists.has(path) || records.has(path)) continue;
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
