import {
  NOBODY,
  scimGroups,
  scimTokensCreate,
  scimUsers,
  type Principal,
  type ScimAnswer,
  type ScimObject,
  type ScimPage,
  type ScimSearch,
} from '#libs/contracts';
import type { TestIdentity } from './identity.js';

type Resources = typeof scimUsers;

/** An account's identity provider, as far as identity sees one. */
export class Provider {
  readonly users = this.of(scimUsers);
  readonly groups = this.of(scimGroups);

  private constructor(
    private readonly identity: TestIdentity,
    readonly token: string,
  ) {}

  static async of(identity: TestIdentity, principal: Principal): Promise<Provider> {
    const { token } = await identity.call(scimTokensCreate, { principal, body: { name: 'Directory' } });
    return new Provider(identity, token);
  }

  private of(resources: Resources) {
    const { token } = this;
    const view = {};
    const on = (id: string, body: ScimObject, ifMatch?: string) => ({
      principal: NOBODY,
      params: { id },
      body: { token, view, body, ...(ifMatch !== undefined && { ifMatch }) },
    });
    const { identity } = this;
    return {
      create: async (body: ScimObject) =>
        shown(await identity.call(resources.create, { principal: NOBODY, body: { token, view, body } })),
      get: async (id: string) =>
        shown(await identity.call(resources.get, { principal: NOBODY, params: { id }, body: { token, view } })),
      replace: async (id: string, body: ScimObject, ifMatch?: string) =>
        shown(await identity.call(resources.replace, on(id, body, ifMatch))),
      change: async (id: string, operations: ScimObject[], ifMatch?: string) =>
        shown(await identity.call(resources.change, on(id, { Operations: operations }, ifMatch))),
      remove: (id: string) => identity.call(resources.remove, on(id, {})),
      search: (query: Partial<ScimSearch>): Promise<ScimPage> =>
        identity.call(resources.search, {
          principal: NOBODY,
          body: { token, view, startIndex: 1, count: 100, ...query },
        }),
    };
  }
}

/** The resource, of which tests may ask anything. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- see above
const shown = ({ resource }: ScimAnswer): any => resource;
