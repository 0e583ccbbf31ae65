import {
  NOBODY,
  scimGroups,
  scimTokensCreate,
  scimUsers,
  type Principal,
  type ScimListResponse,
  type ScimObject,
  type ScimResponse,
  type ScimSearch,
} from '#libs/contracts';
import type { Preconditions } from '#libs/scim';
import type { TestIdentity } from './identity.js';

type Resources = typeof scimUsers;

const BASE_URL = 'https://leaver.example/scim/v2';

/** An account's identity provider, calling identity's SCIM operations. */
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
    const on = (id: string, body: ScimObject, preconditions: Preconditions = {}) => ({
      principal: NOBODY,
      params: { id },
      body: { token, view, body, baseUrl: BASE_URL, ...preconditions },
    });
    const { identity } = this;
    return {
      create: async (body: ScimObject) =>
        shown(await identity.call(resources.create, { principal: NOBODY, body: { token, view, body } })),
      get: async (id: string) =>
        shown(await identity.call(resources.get, { principal: NOBODY, params: { id }, body: { token, view } })),
      replace: async (id: string, body: ScimObject, preconditions?: Preconditions) =>
        shown(await identity.call(resources.replace, on(id, body, preconditions))),
      change: async (id: string, operations: ScimObject[], preconditions?: Preconditions) =>
        shown(await identity.call(resources.change, on(id, { Operations: operations }, preconditions))),
      remove: (id: string, preconditions?: Preconditions) => identity.call(resources.remove, on(id, {}, preconditions)),
      search: (query: Partial<ScimSearch>): Promise<ScimListResponse> =>
        identity.call(resources.search, {
          principal: NOBODY,
          body: { token, view, startIndex: 1, count: 100, ...query },
        }),
    };
  }
}

/** The resource, untyped, because tests read any attribute. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- see above
const shown = ({ resource }: ScimResponse): any => resource;
