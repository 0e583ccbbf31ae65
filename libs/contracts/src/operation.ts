import { USER_STATUSES, type UserStatus } from './events.js';
import { Id, ListOf, OneOf, Text, Whole } from './fields.js';
import type { Class } from './fields/registry.js';
import type { Principal, Role } from './principal.js';
import type { ProblemCode } from './problem.js';

export type ServiceName = string;
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/**
 * One call of the API, declared once. From it come the gateway's route, the validation of what comes in, the OpenAPI
 * entry and the NATS subject on which the owning service answers.
 */
export interface OperationSpec<B extends object, Q extends object, A> {
  /** Durable name, `<resource>.<verb>`: part of the NATS subject, and OpenAPI's operationId. */
  id: string;
  service: ServiceName;
  method: Method;
  /** With `:name` for parameters; one called `id` or ending in `Id` has to be a UUID. */
  path: string;
  summary: string;
  body?: Class<B>;
  /** A body may be left out altogether. */
  bodyOptional?: boolean;
  query?: Class<Q>;
  /** The class of the answer; none for 204. */
  answer?: Class<A & object>;
  status?: 200 | 201 | 202 | 204;
  /** Who may call: everybody signed in, only these roles, or the whole world. */
  access?: 'signed-in' | 'public' | readonly Role[];
  errors?: readonly ProblemCode[];
  /** Where what a 201 or 202 tells of can be read, with `:id` for the answer's; needed only when no declared operation says it. */
  location?: string;
  /** Milliseconds that the gateway waits for the answer; default 10 s. */
  timeout?: number;
  /** The gateway handles it with code of its own (streams, uploads); it is declared here for the documentation and the check of access. */
  custom?: boolean;
  /** For a custom route: media types of request and answer. */
  consumes?: readonly string[];
  produces?: string;
}

export interface Operation<B extends object = object, Q extends object = object, A = unknown> extends Readonly<
  OperationSpec<B, Q, A>
> {
  /** `rpc.<service>.<id>` */
  readonly subject: string;
  readonly status: 200 | 201 | 202 | 204;
  readonly access: 'signed-in' | 'public' | readonly Role[];
}

/** What travels from the gateway to the service. */
export interface Call<B extends object = object, Q extends object = object> {
  /** Who asks; on a public route it is `NOBODY`. */
  principal: Principal;
  params: Record<string, string>;
  query: Q;
  body: B;
  /** The client's Idempotency-Key with a digest of the request, when one was sent. */
  idempotency?: { key: string; digest: string };
  /** Address and program of the client, for sessions and the audit trail. */
  client?: { ip: string; userAgent: string };
}

export type CallOf<O> = O extends Operation<infer B, infer Q, unknown> ? Call<B, Q> : never;
export type AnswerOf<O> = O extends Operation<object, object, infer A> ? A : never;

export interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** What every list takes. */
export class ListQuery {
  @Whole({ min: 1, max: 200, optional: true, about: 'How many items at most; 50 unless told.' })
  limit?: number;

  @Text({ max: 500, optional: true, about: '`nextCursor` of the page before.' })
  cursor?: string;
}

/** How a person appears in every answer: never a name of its own, always read through the directory. */
export class UserView {
  @Id() id: string;
  @Text({ about: '`Deleted user` for somebody deleted.' }) name: string;
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
    access: spec.access ?? 'signed-in',
    subject: `rpc.${spec.service}.${spec.id}`,
  });
}

interface ResourceSpec<T extends object, C extends object, Q extends object> {
  service: ServiceName;
  path: string;
  /** Singular, for summaries: "a segment". */
  noun: string;
  thing: Class<T>;
  create: Class<C>;
  query?: Class<Q>;
  errors?: readonly ProblemCode[];
  /** What may keep it from being removed. */
  removeErrors?: readonly ProblemCode[];
  access?: 'signed-in' | readonly Role[];
}

/** The four calls that every plain resource has: create, list, read, remove. */
export function resource<T extends object, C extends object, Q extends object = ListQuery>(
  spec: ResourceSpec<T, C, Q>,
) {
  const { service, path, noun, thing, access } = spec;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const common = { service, access };
  return {
    create: operation<T, C>({
      ...common,
      id: `${name}.create`,
      method: 'POST',
      path,
      summary: `Create ${noun}`,
      body: spec.create,
      answer: thing,
      errors: spec.errors ?? [],
    }),
    list: operation<Page<T>, NoBody, Q>({
      ...common,
      id: `${name}.list`,
      method: 'GET',
      path,
      summary: `List: ${noun} each`,
      query: (spec.query ?? ListQuery) as Class<Q>,
      answer: pageOf(thing),
    }),
    get: operation<T>({
      ...common,
      id: `${name}.get`,
      method: 'GET',
      path: `${path}/:id`,
      summary: `Read ${noun}`,
      answer: thing,
      errors: ['not-found'],
    }),
    remove: operation({
      ...common,
      id: `${name}.remove`,
      method: 'DELETE',
      path: `${path}/:id`,
      summary: `Remove ${noun}`,
      errors: ['not-found', ...(spec.removeErrors ?? [])],
    }),
  };
}

const pages = new Map<Class, Class>();

/** The class of a page of things, named for the documentation: `SegmentPage`. One class per thing. */
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
