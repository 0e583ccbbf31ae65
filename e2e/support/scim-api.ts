import type { Api, Json } from './api.js';
import { signIn, type Member, type Place } from './cast.js';

export interface ScimAnswer {
  status: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- each test expects another body
  body: any;
  headers: Headers;
}

export const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
export const USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
export const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group';

/** Calls `/scim/v2` as an identity provider does. Does not throw for error responses. */
export class ScimApi {
  constructor(
    private readonly url: string,
    private readonly token?: string,
    private readonly mediaType = 'application/scim+json',
  ) {}

  /** Creates a SCIM token of the account. */
  static async connect({ url }: Place, as: Api): Promise<ScimApi> {
    const { token } = await as.post('/v1/account/scim-tokens', { name: 'Directory' });
    return new ScimApi(url, token as string);
  }

  /** A SCIM token of a user who was an owner when they created it, and has the former roles again and a new session. */
  static async madeBy(place: Place, owner: Member, member: Member): Promise<ScimApi> {
    const path = `/v1/users/${member.id}`;
    const { roles } = await owner.api.get(path);
    await owner.api.patch(path, { roles: ['owner'] });
    const scim = await ScimApi.connect(place, await signIn(place, member.email));
    await owner.api.patch(path, { roles });
    member.api = await signIn(place, member.email);
    return scim;
  }

  get = (path: string, headers: Record<string, string> = {}) => this.send('GET', path, undefined, headers);
  post = (path: string, body: unknown, headers: Record<string, string> = {}) => this.send('POST', path, body, headers);
  put = (path: string, body: unknown, headers: Record<string, string> = {}) => this.send('PUT', path, body, headers);
  delete = (path: string, headers: Record<string, string> = {}) => this.send('DELETE', path, undefined, headers);

  patch = (path: string, operations: Json[], headers: Record<string, string> = {}) =>
    this.send('PATCH', path, { schemas: [PATCH_OP], Operations: operations }, headers);

  /** Lists the resources that match a filter. */
  find = (type: 'Users' | 'Groups', filter: string, more = '') =>
    this.get(`/${type}?filter=${encodeURIComponent(filter)}${more}`);

  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<ScimAnswer> {
    const answer = await fetch(`${this.url}/scim/v2${path}`, {
      method,
      headers: {
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(body !== undefined && { 'content-type': this.mediaType }),
        ...headers,
      },
      body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? undefined : JSON.parse(text), headers: answer.headers };
  }
}

/** The status, the `scimType`, and the code at the start of the detail of an error response. */
export const reasonOf = ({ status, body }: ScimAnswer) => ({
  status,
  scimType: body.scimType,
  code: body.detail.split(':')[0],
});
