import { USER_STATUSES, type UserStatus } from './events.js';
import { Id, ListOf, OneOf, Text, Whole } from './fields.js';
import { GATEWAY, type Callers } from './callers.js';
import type { Class } from './fields/registry.js';
import type { Principal, Role } from './principal.js';
import type { ProblemCode } from './problem.js';
import { isOpenDuringSetUp, scopeOf, type TokenScope } from './scopes.js';

export type ServiceName = string;
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * Who may call an operation. The gateway enforces the first three. With the others every user of the account may call,
 * and the owning service refuses access to records of other users.
 */
export type Access =
  /** Anybody, without a token. */
  | 'public'
  /** Every user of the account. */
  | 'signed-in'
  /** Users with one of these roles. */
  | readonly Role[]
  /** The user whose record it is. */
  | 'record-owner'
  /** The users whose record it is, or whose inbox it is in, and managers. */
  | 'record-owner-or-manager'
  /** Users who were granted the record, or the storage that holds it. */
  | 'record-grantee';

/** What is limited per address or email, each by a setting of the gateway. */
export const RATE_LIMITS = [
  'failed-logins',
  'failed-tokens',
  'password-resets',
  'new-accounts',
  'invitations',
] as const;
export type RateLimit = (typeof RATE_LIMITS)[number];

/**
 * One operation of the API, declared once. The gateway's route, the validation of requests, the OpenAPI entry and the NATS
 * subject of the owning service are derived from it.
 */
export interface OperationSpec<B extends object, Q extends object, A> {
  /** Durable name, `<resource>.<verb>`: part of the NATS subject, and OpenAPI's operationId. */
  id: string;
  service: ServiceName;
  method: Method;
  /** Parameters are written `:name`. One that is called `id` or ends in `Id` has to be a UUID. */
  path: string;
  summary: string;
  body?: Class<B>;
  /** The body may be left out. */
  bodyOptional?: boolean;
  query?: Class<Q>;
  /** The class of the answer. Absent for 204. */
  answer?: Class<A & object>;
  status?: 200 | 201 | 202 | 204 | 302;
  access: Access;
  /** The services that call it besides the gateway, on behalf of the user who called them. */
  alsoCalledBy?: Callers;
  errors?: readonly ProblemCode[];
  /**
   * For 201 and 202: where the result can be read, with `:id` for the id in the answer. Only needed if no operation is
   * declared for it.
   */
  location?: string;
  /**
   * What the gateway counts for this operation. A caller that has used it up is answered with 429. For a signed-in caller
   * `failed-logins` counts the requests that contain a password.
   */
  rateLimit?: RateLimit;
  /** Why this POST ignores an `Idempotency-Key`, as a sentence for clients. Without it, a POST honours the header. */
  ignoresIdempotencyKey?: string;
  /** Milliseconds that the gateway waits for the answer. Default: 10,000. */
  timeout?: number;
  /** The gateway has its own code for it (streams, uploads). The declaration provides documentation and access control. */
  custom?: boolean;
  /** For a custom operation: the media types of request and answer. */
  consumes?: readonly string[];
  produces?: string | readonly string[];
}

export interface Operation<B extends object = object, Q extends object = object, A = unknown> extends Readonly<
  OperationSpec<B, Q, A>
> {
  /** `rpc.<service>.<id>` */
  readonly subject: string;
  readonly status: 200 | 201 | 202 | 204 | 302;
  /** What an API token needs for it. */
  readonly scope: TokenScope;
  /** Whether a session may call it whose user has to set up a second factor first. */
  readonly openDuringSetUp: boolean;
  readonly calledBy: Callers;
}

/** What a handler receives. */
export interface Call<B extends object = object, Q extends object = object> {
  /** The user who calls, from the verified token; `NOBODY` on a public route. It is not part of the message. */
  principal: Principal;
  params: Record<string, string>;
  query: Q;
  body: B;
  /** The client's Idempotency-Key, if it sent one, with a digest of the request. */
  idempotency?: { key: string; digest: string };
  /** For sessions and the audit trail. */
  client?: { ip: string; userAgent: string };
}

/** Whether a client can repeat the operation safely by sending the same `Idempotency-Key` again. */
export const takesIdempotencyKey = ({
  method,
  ignoresIdempotencyKey,
}: Pick<Operation, 'method' | 'ignoresIdempotencyKey'>): boolean =>
  method === 'POST' && ignoresIdempotencyKey === undefined;

export type CallOf<O> = O extends Operation<infer B, infer Q, unknown> ? Call<B, Q> : never;
export type AnswerOf<O> = O extends Operation<object, object, infer A> ? A : never;

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** The parameters of every list. */
export class ListQuery {
  @Whole({ min: 1, max: 200, optional: true, about: 'The most items to return. Default: 50.' })
  limit?: number;

  @Text({ max: 500, optional: true, about: '`nextCursor` of the previous page.' })
  cursor?: string;
}

/** How a user appears in every answer. The name is read from the directory and never stored with other data. */
export class UserView {
  @Id() id: string;
  @Text({ about: '`Deleted user` if the user has been deleted.' }) name: string;
  @OneOf(USER_STATUSES) status: UserStatus;
}

export class NoBody {}
export class NoQuery {}

export function operation<A = undefined, B extends object = NoBody, Q extends object = NoQuery>(
  spec: OperationSpec<B, Q, A>,
): Operation<B, Q, A> {
  const status = spec.status ?? (spec.answer ? (spec.method === 'POST' ? 201 : 200) : 204);
  return Object.freeze({
    ...spec,
    status,
    subject: `rpc.${spec.service}.${spec.id}`,
    scope: scopeOf(spec),
    openDuringSetUp: isOpenDuringSetUp(spec),
    calledBy: [GATEWAY, ...(spec.alsoCalledBy ?? [])],
  });
}

type Verb = 'create' | 'list' | 'get' | 'remove';

interface ResourceSpec<T extends object, C extends object, Q extends object, U extends object> {
  service: ServiceName;
  path: string;
  /** In the singular, for summaries: "a segment". */
  noun: string;
  /** For the summary of the list: "segments". */
  plural: string;
  thing: Class<T>;
  create: Class<C>;
  query?: Class<Q>;
  /** Why it may not be created. */
  errors?: readonly ProblemCode[];
  /** What PATCH may change. A field that is left out stays as it is. Without this class there is no PATCH. */
  update?: Class<U>;
  /** Default: "Change" and the noun. */
  updateSummary?: string;
  /** Why it may not be changed, besides `not-found`. */
  updateErrors?: readonly ProblemCode[];
  /** Why it may not be removed, besides `not-found`. */
  removeErrors?: readonly ProblemCode[];
  /** One for all calls, or one for each. */
  access: Access | Readonly<Record<Verb, Access> & { update?: Access }>;
  /** The services that call its list besides the gateway. */
  alsoListedBy?: Callers;
}

export interface ResourceOperations<T extends object, C extends object, Q extends object> {
  create: Operation<C, NoQuery, T>;
  list: Operation<NoBody, Q, Page<T>>;
  get: Operation<NoBody, NoQuery, T>;
  remove: Operation<NoBody, NoQuery, undefined>;
}

/** Everybody in the account creates and reads rows. The user of a row and managers change and remove it. */
export const OWNED = {
  create: 'signed-in',
  list: 'signed-in',
  get: 'signed-in',
  remove: 'record-owner-or-manager',
  update: 'record-owner-or-manager',
} as const satisfies Record<Verb | 'update', Access>;

const isAccess = (given: object | string): given is Access => typeof given === 'string' || Array.isArray(given);

/** The operations of a plain resource: create, list, read, remove, and with `update` also change. */
export function resource<T extends object, C extends object, U extends object, Q extends object = ListQuery>(
  spec: ResourceSpec<T, C, Q, U> & { update: Class<U> },
): ResourceOperations<T, C, Q> & { update: Operation<U, NoQuery, T> };
export function resource<T extends object, C extends object, Q extends object = ListQuery>(
  spec: ResourceSpec<T, C, Q, never>,
): ResourceOperations<T, C, Q>;
export function resource<T extends object, C extends object, Q extends object, U extends object>(
  spec: ResourceSpec<T, C, Q, U>,
): ResourceOperations<T, C, Q> & { update?: Operation<U, NoQuery, T> } {
  const { service, path, noun, plural, thing, access } = spec;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const common = (verb: Verb | 'update') => {
    const given = isAccess(access) ? access : access[verb];
    if (!given) throw new TypeError(`${name}: access has no value for update`);
    return { service, id: `${name}.${verb}`, access: given };
  };
  const one = `${path}/:id`;
  return {
    create: operation<T, C>({
      ...common('create'),
      method: 'POST',
      path,
      summary: `Create ${noun}`,
      body: spec.create,
      answer: thing,
      errors: spec.errors ?? [],
    }),
    list: operation<Page<T>, NoBody, Q>({
      ...common('list'),
      method: 'GET',
      path,
      summary: `List ${plural}`,
      query: (spec.query ?? ListQuery) as Class<Q>,
      answer: pageOf(thing),
      alsoCalledBy: spec.alsoListedBy,
    }),
    get: operation<T>({
      ...common('get'),
      method: 'GET',
      path: one,
      summary: `Read ${noun}`,
      answer: thing,
      errors: ['not-found'],
    }),
    ...(spec.update && {
      update: operation<T, U>({
        ...common('update'),
        method: 'PATCH',
        path: one,
        summary: spec.updateSummary ?? `Change ${noun}`,
        body: spec.update,
        answer: thing,
        errors: ['not-found', ...(spec.updateErrors ?? [])],
      }),
    }),
    remove: operation({
      ...common('remove'),
      method: 'DELETE',
      path: one,
      summary: `Remove ${noun}`,
      errors: ['not-found', ...(spec.removeErrors ?? [])],
    }),
  };
}

const pages = new Map<Class, Class>();

/** The class of a page, one for each class of items. Its name is that of the item and `Page`: `SegmentPage`. */
export function pageOf<T extends object>(thing: Class<T>): Class<Page<T>> {
  const known = pages.get(thing);
  if (known) return known as Class<Page<T>>;
  class PageOfThings {
    items: T[];
    nextCursor: string | null;
  }
  ListOf(() => thing, { max: 200 })(PageOfThings.prototype, 'items');
  Text({ nullable: true, max: 500 })(PageOfThings.prototype, 'nextCursor');
  Object.defineProperty(PageOfThings, 'name', { value: `${thing.name}Page` });
  pages.set(thing, PageOfThings);
  return PageOfThings;
}
