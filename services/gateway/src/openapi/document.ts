import {
  AUDIT_EXPORT_TYPES,
  auditExport,
  departuresBulk,
  departuresHandover,
  fieldTypes,
  HANDOVER_TYPES,
  importContacts,
  messageActivityExport,
  Problem,
  PROBLEMS,
  schemaOf,
  ssoBackchannelLogout,
  takesIdempotencyKey,
  type Access,
  type Class,
  type Operation,
  type ProblemCode,
  type ProblemDetails,
  type Schema,
  type TokenScope,
  watchDeparture,
} from '#libs/contracts';
import { HAS_RETRY_AFTER } from '../http/problem.filter.js';
import { ANSWERS, EXAMPLE_ID, NOW, withFacts } from './example-facts.js';
import { Examples } from './examples.js';
import { INTERNAL_PATHS, OTHER_PATHS, SCIM_SCHEMAS } from './other-routes.js';
import { componentSchemas, PROBLEM_SCHEMA } from './schemas.js';

/**
 * Builds the OpenAPI 3.1 document of these operations: https://spec.openapis.org/oas/v3.1.1.html
 * @param origin the origin at which clients reach the API, if it is configured
 */
export function openApiDocument(operations: readonly Operation[], origin?: string) {
  const classes = operations
    .flatMap(({ body, answer }) => [body, answer])
    .filter((type): type is Class => type !== undefined);
  const schemas = { ...componentSchemas(classes), ...SCIM_SCHEMAS, Problem: PROBLEM_SCHEMA };
  const examples = new Examples(schemas);
  const paths: Record<string, Record<string, object>> = { ...OTHER_PATHS, ...INTERNAL_PATHS };
  for (const operation of operations) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: describe(operation, examples) };
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Leaver',
      version: '1',
      description:
        'Safe offboarding: when a user leaves, every service handles their data as the policy says, exactly once, with proof.',
      license: { name: 'Apache 2.0', identifier: 'Apache-2.0' },
    },
    servers: origin ? [{ url: origin }, { url: '/', description: 'The server of this document' }] : [{ url: '/' }],
    tags: [...new Set(operations.map(({ service }) => service)), 'scim', 'system'].map((name) => ({ name })),
    security: [{ bearer: [] }, { session: [] }],
    paths,
    components: {
      schemas,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An access token or an API token.' },
        session: {
          ...{ type: 'apiKey', in: 'cookie', name: '__Host-leaver-session' },
          description:
            'The cookie of `POST /v1/auth/session`, for browsers. Every request but `GET` and `HEAD` also needs the session’s `csrfToken` as `X-CSRF-Token`.',
        },
        scim: { type: 'http', scheme: 'bearer', description: 'A SCIM token of the account.' },
      },
    },
  };
}

function describe(operation: Operation, examples: Examples): object {
  const { access, body, bodyOptional, consumes, scope } = operation;
  return {
    operationId: operation.id,
    summary: operation.summary,
    tags: [operation.service],
    ...(access === 'public' ? { security: [] } : {}),
    'x-scope': scope,
    ...descriptionOf(operation),
    parameters: [
      ...pathParameters(operation),
      ...queryParameters(operation),
      ...(takesIdempotencyKey(operation) ? [IDEMPOTENCY_KEY] : []),
    ],
    ...(body || consumes
      ? { requestBody: { required: !bodyOptional, content: bodyContent(operation, examples) } }
      : {}),
    responses: { ...successes(operation, examples), ...failures(operation) },
  };
}

const RECORD_ACCESS = {
  'record-owner': 'For the user whose record it is.',
  'record-owner-or-manager': 'For the users whose record it is, and managers.',
  'record-grantee': 'For users who were granted the record.',
};

function descriptionOf({ access, scope, ignoresIdempotencyKey }: Operation): { description?: string } {
  const sentences = [
    callersOf(access),
    tokensOf(scope),
    ignoresIdempotencyKey && `An \`Idempotency-Key\` is ignored. ${ignoresIdempotencyKey}`,
  ].filter((sentence) => sentence !== undefined);
  return sentences.length > 0 ? { description: sentences.join(' ') } : {};
}

function callersOf(access: Access): string | undefined {
  if (access === 'public' || access === 'signed-in') return undefined;
  return typeof access === 'string' ? RECORD_ACCESS[access] : `For: ${access.join(', ')}.`;
}

function tokensOf(scope: TokenScope): string | undefined {
  if (scope === 'none') return undefined;
  return scope === 'session' ? 'Not with an API token.' : `An API token needs the scope \`${scope}\`.`;
}

const IDEMPOTENCY_KEY = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'A request that is repeated with the same key within a day gets the first response and has no further effect. ' +
    'Another request with the key is refused with `idempotency-mismatch`.',
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

function bodyContent(operation: Operation, examples: Examples): object {
  const { body, consumes = ['application/json'] } = operation;
  const contentOf = (mediaType: string): object => {
    if (mediaType === 'application/json' && body) {
      const schema = refTo(body);
      return { schema, example: examples.of(schema, { only: true }) };
    }
    if (mediaType !== 'multipart/form-data') return { schema: { type: 'string' }, example: fileOf(operation) };
    const file = { type: 'string', contentMediaType: 'text/csv' };
    return {
      schema: { type: 'object', properties: { file }, required: ['file'] },
      example: { file: fileOf(operation) },
    };
  };
  return Object.fromEntries(consumes.map((mediaType) => [mediaType, contentOf(mediaType)]));
}

/** Of a file that the operation takes or answers. */
const FILES: Readonly<Record<string, string>> = {
  [importContacts.id]: 'ExternalId,Name,Phone,StaffId\nC-1001,Ada Example,+14155550100,HP-002\n',
  [ssoBackchannelLogout.id]: 'logout_token=eyJhbGciOiJSUzI1NiJ9.e30.c2ln',
  [departuresBulk.id]: 'staffId,successorStaffId\nHP-002,HP-003\n',
  [auditExport.id]:
    'id,seq,at,action,actorId,actor,system,tokenId,subjectId,subject,detail,scrubbed,hash\r\n' +
    `${EXAMPLE_ID},1,${NOW},user.suspended,${EXAMPLE_ID},Maya Okafor,,,${EXAMPLE_ID},Robin Hill,,false,9f86d081\r\n`,
  [departuresHandover.id]:
    'receiverId,receiver,kind,service,rule,part,label,transition,affected,dueAt,code,contactId,name,phone,lastMessageAt\r\n' +
    `${EXAMPLE_ID},Maya Okafor,received,insights,insights.shared-dashboards,,Shared dashboards,deactivated,2,,,,,,\r\n`,
  [messageActivityExport.id]:
    'messageId,sentAt,deliveredAt,repliedAt,userId,user,inboxId,contactId\r\n' +
    `${EXAMPLE_ID},${NOW},,,${EXAMPLE_ID},Maya Okafor,${EXAMPLE_ID},${EXAMPLE_ID}\r\n`,
};
const fileOf = ({ id }: Operation): string => FILES[id] ?? 'text';
/** Of media types that are one operation's. */
const EXAMPLES: Readonly<Record<string, string>> = {
  'text/event-stream':
    'id: 1\nevent: rule\ndata: {"service":"messaging","rule":"messaging.live-chats","affected":3}\n\n',
  [HANDOVER_TYPES.html]: '<!doctype html>\n<html lang="en"><title>Handover: Robin Hill</title></html>\n',
  'application/zip': 'PK…',
  [AUDIT_EXPORT_TYPES.ndjson]: `{"id":"${EXAMPLE_ID}","seq":1,"at":"${NOW}","action":"user.suspended"}\n`,
};
const BINARY = new Set(['application/zip']);
const MEANINGS = { 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'Done', 302: 'Redirect' };

/** Operations that also answer 202: a long contact import is answered before it has finished. */
const ALSO_ACCEPTED = new Set([importContacts.id]);
/** A stream that is read to its end is not begun again. */
const ALSO_ENDED: Record<string, string> = {
  [watchDeparture.id]:
    'The departure is over, and `Last-Event-ID` names its last event: an EventSource stops reconnecting.',
};

function successes(operation: Operation, examples: Examples): Record<string, object> {
  const answer = success(operation, operation.status, examples);
  const accepted = ALSO_ACCEPTED.has(operation.id) && { 202: success(operation, 202, examples) };
  const end = ALSO_ENDED[operation.id];
  return { [operation.status]: answer, ...accepted, ...(end && { 204: { description: end } }) };
}

function success(operation: Operation, status: Operation['status'], examples: Examples): object {
  const { answer, produces = [], id } = operation;
  const mediaTypes = [produces].flat();
  const located = status === 201 || status === 302 || (status === 202 && answer);
  const headers = located
    ? { headers: { Location: { description: 'URL of the resource.', schema: { type: 'string' } } } }
    : {};
  const description = MEANINGS[status];
  if (answer) {
    const schema = refTo(answer);
    const example = withFacts(examples.of(schema), ANSWERS[`${id} ${status}`] ?? ANSWERS[id]);
    const [main = 'application/json', ...others] = mediaTypes;
    const content = { [main]: { schema, example }, ...textsOf(operation, others) };
    return { description, ...headers, content };
  }
  if (mediaTypes.length === 0) return { description, ...headers };
  return {
    description,
    ...headers,
    content: textsOf(operation, mediaTypes),
  };
}

const textsOf = (operation: Operation, mediaTypes: readonly string[]): Record<string, object> =>
  Object.fromEntries(
    mediaTypes.map((mediaType) => [
      mediaType,
      {
        schema: { type: 'string', ...(BINARY.has(mediaType) && { format: 'binary' }) },
        example: EXAMPLES[mediaType] ?? fileOf(operation),
      },
    ]),
  );

/** One response per status, listing every code that may come with it. */
function failures(operation: Operation): Record<string, object> {
  const byStatus = Map.groupBy(codesOf(operation), (code) => PROBLEMS[code][0]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const ofStatus = {
        properties: { code: { enum: codes } },
        ...(codes.includes('service-unavailable') && { required: ['service'] }),
      };
      const schema = { allOf: [{ $ref: '#/components/schemas/Problem' }, ofStatus] };
      const description = codes.map((code) => `\`${code}\`: ${PROBLEMS[code][1]}`).join('; ');
      const examples = Object.fromEntries(codes.map((code) => [code, { value: problem(code) }]));
      const headers = HAS_RETRY_AFTER.includes(status) && { headers: { 'Retry-After': RETRY_AFTER } };
      return [status, { description, ...headers, content: { 'application/problem+json': { schema, examples } } }];
    }),
  );
}

const RETRY_AFTER = { description: 'Seconds.', schema: { type: 'integer' } };

const DETAILS: Partial<Record<ProblemCode, ProblemDetails>> = {
  validation: { errors: [{ field: 'name', message: 'name is required' }] },
  'service-unavailable': { service: 'telephony', detail: 'The service is not running.' },
};

function problem(code: ProblemCode): object {
  return new Problem(code, DETAILS[code]).toBody();
}

function codesOf(operation: Operation): ProblemCode[] {
  const { access, body, consumes, errors = [], path, query } = operation;
  const takesBody = body !== undefined || consumes !== undefined;
  const also: (ProblemCode | false)[] = [
    (takesBody || query !== undefined) && 'validation',
    body !== undefined && 'invalid-json',
    query !== undefined && fieldTypes(query).has('cursor') && 'invalid-cursor',
    // Every address may be wrongly encoded, and every body.
    'invalid-encoding',
    access !== 'public' && 'unauthenticated',
    // Every signed-in user may call it, but the record may belong to another user.
    access !== 'public' && 'forbidden',
    path.includes(':') && 'not-found',
    takesIdempotencyKey(operation) && 'idempotency-mismatch',
    takesBody && 'payload-too-large',
    takesBody && 'unsupported-media-type',
    'too-many-requests',
    'internal',
    'service-unavailable',
  ];
  return [...new Set([...also.filter((code) => code !== false), ...errors])];
}

const refTo = (type: Class): Schema => ({ $ref: `#/components/schemas/${type.name}` });
