import { operation, type Operation } from '../operation.js';
import type { ProblemBody } from '../problem.js';

/** JSON as SCIM has it; what it holds is for identity to judge. */
export type ScimObject = Record<string, unknown>;

export const SCIM_TOKEN_PREFIX = 'lvrscim_';

/** Which attributes a client wants back; with `attributes`, the other list counts for nothing. */
export interface ScimView {
  attributes?: readonly string[];
  excludedAttributes?: readonly string[];
}

/** Carries the token itself: identity tells whose it is in the transaction that does the work. */
export interface ScimAccess {
  token: string;
}

export interface ScimRead extends ScimAccess {
  view: ScimView;
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
  /** The body of the request; empty for a removal. */
  body: ScimObject;
  /** As in the header of that name. */
  ifMatch?: string;
}

export interface ScimPage {
  totalResults: number;
  resources: ScimObject[];
}

export interface ScimAnswer {
  /** Left out where nobody needs it. */
  resource?: ScimObject;
  id?: string;
  /** As in the header `ETag`. */
  version?: string;
  /** Why it was refused although something has been done all the same. */
  refused?: ProblemBody;
}

/**
 * The calls behind `/scim/v2`. They are not in the list of operations: the gateway speaks SCIM there, with routes, media
 * types and errors of its own.
 */
function scimCalls(name: string, path: string) {
  const call = <A, B extends object>(verb: string, method: Operation['method'], at = `${path}/:id`) =>
    operation<A, B>({
      id: `scim.${name}.${verb}`,
      service: 'identity',
      method,
      path: at,
      summary: `SCIM: ${verb} ${name}`,
      timeout: 30_000,
    });
  return {
    search: call<ScimPage, ScimSearch>('search', 'GET', path),
    get: call<ScimAnswer, ScimRead>('get', 'GET'),
    create: call<ScimAnswer, ScimWrite>('create', 'POST', path),
    replace: call<ScimAnswer, ScimWrite>('replace', 'PUT'),
    change: call<ScimAnswer, ScimWrite>('change', 'PATCH'),
    remove: call<ScimAnswer, ScimWrite>('remove', 'DELETE'),
  };
}

export const scimUsers = scimCalls('users', '/scim/v2/Users');
export const scimGroups = scimCalls('groups', '/scim/v2/Groups');

/** Whether the token is good. */
export const scimCheck = operation<{ good: true }, ScimAccess>({
  id: 'scim.check',
  service: 'identity',
  method: 'GET',
  path: '/scim/v2/ServiceProviderConfig',
  summary: 'SCIM: check a token',
});
