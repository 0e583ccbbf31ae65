import {
  Problem,
  SCIM_PAGE,
  type ScimErrorType,
  type ScimObject,
  type ScimSearch,
  type ScimView,
} from '#libs/contracts';
import type { FastifyRequest } from 'fastify';
import { checkMediaType } from '../operations/read-call.js';
import { SCIM_JSON } from './scim-reply.js';

type Search = Omit<ScimSearch, 'token'>;

/** @throws Problem `unsupported-media-type`, `validation` for a body that is no object */
export function bodyOf(request: FastifyRequest): ScimObject {
  checkMediaType({ consumes: [SCIM_JSON, 'application/json'] }, request);
  const { body } = request;
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as ScimObject;
  throw fault('invalidSyntax', 'The body must be a JSON object.');
}

/** What a list is asked for, in the address. @throws Problem `validation` */
export const searchOf = (request: FastifyRequest): Search => readSearch(request.query as ScimObject);

/** The same in the body of a `.search` request. @throws Problem `validation` */
export const searchIn = (request: FastifyRequest): Search => readSearch(bodyOf(request));

/** @throws Problem `validation` */
export const viewOf = (request: FastifyRequest): ScimView => readView(request.query as ScimObject);

function readSearch(from: ScimObject): Search {
  const sortOrder = textIn(from, 'sortOrder')?.toLowerCase();
  return {
    ...optional('filter', textIn(from, 'filter')),
    ...optional('sortBy', textIn(from, 'sortBy')),
    descending: sortOrder === 'descending',
    // Below their least values both are taken for these (RFC 7644, 3.4.2.4).
    startIndex: Math.max(1, wholeIn(from, 'startIndex') ?? 1),
    count: Math.min(SCIM_PAGE.most, Math.max(0, wholeIn(from, 'count') ?? SCIM_PAGE.usual)),
    view: readView(from),
  };
}

function readView(from: ScimObject): ScimView {
  return {
    ...optional('attributes', namesIn(from, 'attributes')),
    ...optional('excludedAttributes', namesIn(from, 'excludedAttributes')),
  };
}

function optional<N extends string, T>(name: N, value: T | undefined): { [K in N]?: T } {
  return (value === undefined ? {} : { [name]: value }) as { [K in N]?: T };
}

function textIn(from: ScimObject, name: string): string | undefined {
  const value = from[name];
  if (value === undefined) return undefined;
  // An empty filter asks for nothing that could be understood.
  if (typeof value !== 'string' || value.trim() === '')
    throw fault(name === 'filter' ? 'invalidFilter' : 'invalidValue', `${name} must be one text.`);
  return value;
}

function wholeIn(from: ScimObject, name: string): number | undefined {
  const value = from[name];
  if (value === undefined) return undefined;
  const number = typeof value === 'number' || /^-?\d{1,9}$/.test(String(value)) ? Number(value) : NaN;
  if (!Number.isInteger(number) || Math.abs(number) > 1e9)
    throw fault('invalidValue', `${name} must be a whole number.`);
  return number;
}

function namesIn(from: ScimObject, name: string): string[] | undefined {
  const value = from[name];
  if (value === undefined) return undefined;
  const texts = [value].flat();
  if (!texts.every((text) => typeof text === 'string')) throw fault('invalidValue', `${name} must be names.`);
  const names = texts.flatMap((text) => text.split(',')).map((text) => text.trim());
  return names.filter((text) => text !== '');
}

const fault = (scimType: ScimErrorType, detail: string) => new Problem('validation', { scimType, detail });
