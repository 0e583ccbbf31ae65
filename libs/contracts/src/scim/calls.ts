import { operation, type Operation } from '../operation.js';
import type { ProblemBody } from '../problem.js';

/** A SCIM resource or message. Identity validates it. */
export type ScimObject = Record<string, unknown>;

export const SCIM_TOKEN_PREFIX = 'lvrscim_';

/** The attributes that a client asks for (RFC 7644, 3.9). With `attributes`, `excludedAttributes` is ignored. */
export interface ScimProjection {
  attributes?: readonly string[];
  excludedAttributes?: readonly string[];
}

/** Identity authenticates the token in the transaction that does the work. */
export interface ScimAccess {
  token: string;
}

export interface ScimRead extends ScimAccess {
  view: ScimProjection;
}

export interface ScimSearch extends ScimRead {
  filter?: string;
  sortBy?: string;
  descending?: boolean;
  /** From 1. */
  startIndex: number;
  count: number;
}

export interface ScimWrite extends ScimRead {
  /** The body of the request. Empty for a removal. */
  body: ScimObject;
  /** The value of the header `If-Match`. */
  ifMatch?: string;
  /** The value of the header `If-None-Match`. */
  ifNoneMatch?: string;
  /** The URL of `/scim/v2` as the client sees it, for paths that select values by `$ref`. */
  baseUrl?: string;
}

export interface ScimListResponse {
  totalResults: number;
  resources: ScimObject[];
}

export interface ScimResponse {
  /** Left out where the response is 204. */
  resource?: ScimObject;
  id?: string;
  /** The value of the header `ETag`. */
  version?: string;
  /** Why the request was refused, although part of it was done and has to be committed. */
  refused?: ProblemBody;
}

/**
 * The operations behind `/scim/v2`. They are not in the list of operations, because SCIM has its own routes, media types
 * and errors.
 * Identity checks the token that each of them carries.
 */
function scimCalls(name: string, path: string) {
  const call = <A, B extends object>(verb: string, method: Operation['method'], at = `${path}/:id`) =>
    operation<A, B>({
      id: `scim.${name}.${verb}`,
      service: 'identity',
      method,
      access: 'public',
      path: at,
      summary: `SCIM: ${verb} ${name}`,
      timeout: 30_000,
    });
  return {
    search: call<ScimListResponse, ScimSearch>('search', 'GET', path),
    get: call<ScimResponse, ScimRead>('get', 'GET'),
    create: call<ScimResponse, ScimWrite>('create', 'POST', path),
    replace: call<ScimResponse, ScimWrite>('replace', 'PUT'),
    change: call<ScimResponse, ScimWrite>('change', 'PATCH'),
    remove: call<ScimResponse, ScimWrite>('remove', 'DELETE'),
  };
}

export const scimUsers = scimCalls('users', '/scim/v2/Users');
export const scimGroups = scimCalls('groups', '/scim/v2/Groups');

/** Whether the token is valid. */
export const scimCheck = operation<{ good: true }, ScimAccess>({
  id: 'scim.check',
  service: 'identity',
  method: 'GET',
  access: 'public',
  path: '/scim/v2/ServiceProviderConfig',
  summary: 'SCIM: check a token',
});
