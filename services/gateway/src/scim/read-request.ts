import type { ScimObject, ScimProjection, ScimSearch } from '#libs/contracts';
import { isObject, scimProblem, splitAttributeNames } from '#libs/scim';
import type { FastifyRequest } from 'fastify';
import { checkMediaType } from '../operations/read-call.js';
import { SCIM_JSON } from './scim-reply.js';
import { PAGE_SIZE } from './service-provider-config.js';

type Search = Omit<ScimSearch, 'token'>;

/** @throws Problem `unsupported-media-type`; `validation` for a body that is not an object */
export function readBody(request: FastifyRequest): ScimObject {
  checkMediaType({ consumes: [SCIM_JSON, 'application/json'] }, request);
  if (isObject(request.body)) return request.body;
  throw scimProblem('invalidSyntax', 'The body must be a JSON object.');
}

/** The query parameters of a list. @throws Problem `validation` */
export const readQuerySearch = (request: FastifyRequest): Search => readSearch(request.query as ScimObject);

/** The same in the body of a `.search` request (RFC 7644, 3.4.3). @throws Problem `validation` */
export const readBodySearch = (request: FastifyRequest): Search => readSearch(readBody(request));

/** @throws Problem `validation` */
export const readProjection = (request: FastifyRequest): ScimProjection => projectionFrom(request.query as ScimObject);

function readSearch(parameters: ScimObject): Search {
  const sortOrder = stringIn(parameters, 'sortOrder')?.toLowerCase();
  return {
    ...optional('filter', stringIn(parameters, 'filter')),
    ...optional('sortBy', stringIn(parameters, 'sortBy')),
    descending: sortOrder === 'descending',
    // A value below the minimum is treated as the minimum (RFC 7644, 3.4.2.4).
    startIndex: Math.max(1, integerIn(parameters, 'startIndex') ?? 1),
    count: Math.min(PAGE_SIZE.max, Math.max(0, integerIn(parameters, 'count') ?? PAGE_SIZE.default)),
    view: projectionFrom(parameters),
  };
}

function projectionFrom(parameters: ScimObject): ScimProjection {
  return {
    ...optional('attributes', namesIn(parameters, 'attributes')),
    ...optional('excludedAttributes', namesIn(parameters, 'excludedAttributes')),
  };
}

function optional<N extends string, T>(name: N, value: T | undefined): { [K in N]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [K in N]?: T };
}

function stringIn(parameters: ScimObject, name: string): string | undefined {
  const value = parameters[name];
  if (value === undefined) return undefined;
  // An empty filter is an error, so that it never selects every resource.
  if (typeof value !== 'string' || value.trim() === '')
    throw scimProblem(name === 'filter' ? 'invalidFilter' : 'invalidValue', `${name} must be one string.`);
  return value;
}

function integerIn(parameters: ScimObject, name: string): number | undefined {
  const value = parameters[name];
  if (value === undefined) return undefined;
  const number = typeof value === 'number' || /^-?\d{1,9}$/.test(String(value)) ? Number(value) : NaN;
  if (!Number.isInteger(number) || Math.abs(number) > 1e9)
    throw scimProblem('invalidValue', `${name} must be an integer.`);
  return number;
}

function namesIn(parameters: ScimObject, name: string): string[] | undefined {
  const value = parameters[name];
  if (value === undefined) return undefined;
  const texts = [value].flat();
  if (!texts.every((text) => typeof text === 'string'))
    throw scimProblem('invalidValue', `${name} must be attribute names.`);
  return texts.flatMap(splitAttributeNames);
}
