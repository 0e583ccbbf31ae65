import {
  NoBody,
  NoQuery,
  Problem,
  fieldTypes,
  validate,
  type Class,
  type InvalidField,
  type Operation,
} from '#libs/contracts';
import type { FastifyRequest } from 'fastify';
import { hasBody, mediaTypeOf } from '../http/request.js';

interface CallParts {
  params: Record<string, string>;
  query: object;
  body: object;
}

interface FieldError {
  field: string;
  message: string;
}

const JSON_ONLY = ['application/json'];
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * Reads the parameters, query and body of a request and validates them against the operation's declaration.
 * @throws Problem `not-found` for an id that is not a UUID, `unsupported-media-type`, `validation` with all errors
 */
export function readCall(operation: Operation, request: FastifyRequest): CallParts {
  const params = readParams(request);
  checkMediaType(operation, request);
  const query = readQuery(operation, request);
  const body = read(operation.body ?? NoBody, request.body ?? {});
  const errors = [...query.errors, ...body.errors];
  if (errors.length > 0) throw new Problem('validation', { errors });
  return { params, query: query.value, body: body.value };
}

/** Reads only the path parameters. @throws Problem `not-found` for an id that is not a UUID */
export function readParams(request: FastifyRequest): Record<string, string> {
  const params = Object.entries(request.params as Record<string, string>).map(([name, value]) => {
    if (name !== 'id' && !name.endsWith('Id')) return [name, value];
    const id = value.toLowerCase();
    if (!UUID.test(id)) throw new Problem('not-found');
    return [name, id];
  });
  return Object.fromEntries(params);
}

/** Reads only the query, for custom routes whose body is a stream. @throws Problem `validation` with all errors */
export function readQueryOnly<Q extends object>(operation: Operation<object, Q>, request: FastifyRequest): Q {
  const { value, errors } = readQuery(operation, request);
  if (errors.length > 0) throw new Problem('validation', { errors });
  return value as Q;
}

/** @throws Problem `unsupported-media-type` */
export function checkMediaType({ consumes = JSON_ONLY }: Pick<Operation, 'consumes'>, request: FastifyRequest): void {
  if (!hasBody(request) || consumes.includes(mediaTypeOf(request))) return;
  throw new Problem('unsupported-media-type', {
    detail: `Use one of these media types: ${consumes.join(', ')}.`,
    valid: consumes,
  });
}

function readQuery({ query: type = NoQuery }: Pick<Operation, 'query'>, request: FastifyRequest) {
  const types = fieldTypes(type);
  const given = Object.entries(request.query as Record<string, string | string[]>);
  return read(type, Object.fromEntries(given.map(([name, value]) => [name, fromText(value, types.get(name))])));
}

/**
 * Converts a query value from text to its declared type. A value that cannot be converted is left for validation to
 * refuse.
 */
function fromText(value: string | string[], type: string | undefined): unknown {
  if (type === 'array') return [value].flat();
  if (typeof value !== 'string') return value;
  if ((type === 'integer' || type === 'number') && /^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}

function read(type: Class, plain: unknown): { value: object; errors: FieldError[] } {
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) {
    return { value: {}, errors: [{ field: '', message: 'The body must be a JSON object' }] };
  }
  return { value: plain, errors: validate(type, plain).flatMap(errorsOf) };
}

function errorsOf({ path, name, value, messages }: InvalidField): FieldError[] {
  // A missing field fails every check; one message is enough.
  const all = value === undefined ? [`${name} is required`] : Object.values(messages);
  return all.map((message) => ({ field: path, message }));
}
