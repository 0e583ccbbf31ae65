import {
  fieldTypes,
  PROBLEMS,
  schemaOf,
  type Class,
  type Operation,
  type ProblemCode,
  type Schema,
} from '#libs/contracts';
import { componentSchemas, PROBLEM_SCHEMA } from './schemas.js';

/** The OpenAPI 3.1 document of these operations: https://spec.openapis.org/oas/v3.1.1.html */
export function openApiDocument(operations: readonly Operation[]) {
  const paths: Record<string, Record<string, object>> = {};
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation) };
  }
  const classes = operations
    .flatMap(({ body, answer }) => [body, answer])
    .filter((type): type is Class => type !== undefined);
  return {
    openapi: '3.1.1',
    info: {
      title: 'Leaver',
      version: '1',
      description:
        'When somebody leaves: what was theirs ends up where the policy says, in every service, exactly once, provably.',
      license: { name: 'Apache 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(operations.map(({ service }) => service))].map((name) => ({ name })),
    security: [{ bearer: [] }],
    paths,
    components: {
      schemas: { ...componentSchemas(classes), Problem: PROBLEM_SCHEMA },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'An access token or an API token.' } },
    },
  };
}

function describe(operation: Operation): object {
  const { access, body, bodyOptional, consumes, method } = operation;
  return {
    operationId: operation.id,
    summary: operation.summary,
    tags: [operation.service],
    ...(access === 'public' ? { security: [] } : {}),
    ...(typeof access === 'string' ? {} : { description: `For: ${access.join(', ')}.` }),
    parameters: [
      ...pathParameters(operation),
      ...queryParameters(operation),
      ...(method === 'POST' ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(body || consumes ? { requestBody: { required: !bodyOptional, content: bodyContent(operation) } } : {}),
    responses: { [operation.status]: success(operation), ...failures(operation) },
  };
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'Sent again with the same request, it answers as the first time and does nothing twice.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
};

const pathParameters = ({ path }: Operation) =>
  [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name: name!,
    in: 'path',
    required: true,
    schema: name === 'id' || name!.endsWith('Id') ? { type: 'string', format: 'uuid' } : { type: 'string' },
  }));

function queryParameters({ query }: Operation): object[] {
  if (!query) return [];
  const { properties = {}, required = [] } = schemaOf(query) as {
    properties?: Record<string, Schema>;
    required?: string[];
  };
  return [...fieldTypes(query).keys()].map((name) => {
    const { description, ...schema } = properties[name]!;
    return { name, in: 'query', required: required.includes(name), ...(description ? { description } : {}), schema };
  });
}

function bodyContent({ body, consumes = ['application/json'] }: Operation): object {
  const schemaFor = (mediaType: string): Schema => {
    if (mediaType === 'application/json' && body) return refTo(body);
    if (mediaType !== 'multipart/form-data') return { type: 'string' };
    return {
      type: 'object',
      properties: { file: { type: 'string', contentMediaType: 'text/csv' } },
      required: ['file'],
    };
  };
  return Object.fromEntries(consumes.map((mediaType) => [mediaType, { schema: schemaFor(mediaType) }]));
}

function success({ answer, status, produces }: Operation): object {
  const created = status === 201 || (status === 202 && answer);
  const headers = created
    ? { headers: { Location: { description: 'Where it can be read.', schema: { type: 'string' } } } }
    : {};
  const mediaType = produces ?? 'application/json';
  const content = answer
    ? { content: { [mediaType]: { schema: refTo(answer) } } }
    : produces
      ? { content: { [mediaType]: {} } }
      : {};
  return { description: { 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'Done' }[status], ...headers, ...content };
}

/** One answer a status, naming every code that may come with it. */
function failures(operation: Operation): Record<string, object> {
  const byStatus = Map.groupBy(codesOf(operation), (code) => PROBLEMS[code][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const schema = { allOf: [{ $ref: '#/components/schemas/Problem' }, { properties: { code: { enum: codes } } }] };
      const description = codes.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}`).join('; ');
      return [status, { description, content: { 'application/problem+json': { schema } } }];
    }),
  );
}

function codesOf({ access, body, consumes, errors = [], method, path, query }: Operation): ProblemCode[] {
  const takesBody = body !== undefined || consumes !== undefined;
  const also: (ProblemCode | false)[] = [
    (takesBody || query !== undefined) && 'validation',
    takesBody && 'invalid-json',
    access !== 'public' && 'unauthenticated',
    Array.isArray(access) && 'forbidden',
    path.includes(':') && 'not-found',
    method === 'POST' && 'idempotency-mismatch',
    takesBody && 'payload-too-large',
    takesBody && 'unsupported-media-type',
    'internal',
    'service-unavailable',
  ];
  return [...new Set([...also.filter((code) => code !== false), ...errors])];
}

const refTo = (type: Class): Schema => ({ $ref: `#/components/schemas/${type.name}` });
