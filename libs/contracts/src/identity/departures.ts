import { Id, ListOf, Moment, Nested, OneOf, Shape, Text, Whole } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, type Page } from '../operation.js';
import { RESTORE } from '../lifecycle.js';
import { ACTIONS, type ActionChoice, type ActionName } from '../policy.js';
import { MANAGERS } from '../principal.js';
import { PROBLEM_CODES, type ProblemCode } from '../problem.js';
import { ACTION_SCHEMA, type ActionInput } from './policy.js';

export const DEPARTURE_TRANSITIONS = ['deactivated', 'deleted', 'reactivated'] as const;
export type DepartureTransition = (typeof DEPARTURE_TRANSITIONS)[number];
export const DEPARTURE_STATUSES = ['scheduled', 'running', 'completed', 'failed', 'superseded', 'cancelled'] as const;
export type DepartureStatus = (typeof DEPARTURE_STATUSES)[number];
const SERVICE_STATUSES = ['pending', 'running', 'completed', 'failed', 'superseded'] as const;
export const RULE_SCOPES = ['all', 'installed-by-leaver'] as const;

const MOST_RULES = 500;

/** By rule id, or `default` for all others: who takes over. */
export type NamedSuccessors = Record<string, string>;

export const Successors = () =>
  Shape(
    { type: 'object', additionalProperties: { type: 'string', format: 'uuid' } },
    'an object: rule id, or `default`, → user id',
    { optional: true, about: 'Who takes over, by rule id; `default` for every rule not named.' },
  );

/** What one who decides may want beside the account's policy. */
export class DepartureWishes {
  @Successors() successors?: NamedSuccessors;

  @Shape({ type: 'object', additionalProperties: ACTION_SCHEMA }, 'an object: rule id → action', {
    optional: true,
    shallow: true,
    about: 'By rule id: another action for this departure alone.',
  })
  overrides?: Record<string, ActionInput>;

  @Text({ optional: true, max: 1000 }) reason?: string;

  @Moment({
    optional: true,
    about:
      'In the future: the user works until then. The guards are asked and the account’s policy is resolved at that ' +
      'time; successors and overrides are those of this request.',
  })
  effectiveAt?: string;
}

export class DepartureRequest extends DepartureWishes {
  @Moment({ optional: true, about: 'Of a deactivation: when the user is to be reactivated.' })
  returnAt?: string;

  @Text({ optional: true, max: 2000, about: 'Of the preview: refused when something has changed since.' })
  planToken?: string;
}

export class Reactivation {
  @Shape(
    {
      anyOf: [
        { type: 'string', enum: ['none', 'all'] },
        { type: 'array', items: { type: 'string', maxLength: 200 }, maxItems: MOST_RULES },
      ],
    },
    '`none`, `all` or a list of rule ids',
    {
      optional: true,
      about:
        'What is brought back of that which the departure has disabled, held, unassigned or transferred and nobody has ' +
        'changed since: nothing (the default), all of it, or what these rules did. What can’t come back is named.',
    },
  )
  restore?: 'none' | 'all' | string[];
}

export class DepartureRule {
  @Text() rule: string;
  @Text({ optional: true, about: 'The kind of rows, where a rule speaks of several.' }) part?: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @OneOf([...ACTIONS, RESTORE], { about: '`restore` where a reactivation has undone what the rule did.' })
  action: ActionName | typeof RESTORE;
  @Whole({ optional: true }) days?: number;
  @OneOf(RULE_SCOPES, { optional: true }) scope?: ActionChoice['scope'];
  @Whole({ about: 'Rows that the rule has touched; for `keep`, that stayed.' }) affected: number;
  @Whole({ optional: true, about: 'Of a restoration: rows of the departure that have not come back.' })
  notRestored?: number;
  @Id({ optional: true }) transferredTo?: string;
  @Moment({ optional: true, about: 'When the delayed part is due.' }) dueAt?: string;
  @Moment({ optional: true, about: 'Since when the delayed part, being due, had to wait for the end of a legal hold.' })
  heldAt?: string;
  @Moment({ optional: true, about: 'When the delayed part has happened.' }) doneAt?: string;
  @Text({
    optional: true,
    about: 'A code: `successor-has-left`; why rows have not come back: `changed-since`, `cannot-be-restored`.',
  })
  warning?: string;
  @Whole({ nullable: true, about: 'Rows that still break the promise; null until counted.' }) remaining: number | null;
  @Moment({ nullable: true, about: 'Null while the rule is at work.' }) finishedAt: string | null;
}

export class DepartureService {
  @Text() service: string;
  @OneOf(SERVICE_STATUSES) status: (typeof SERVICE_STATUSES)[number];
  @Text({ optional: true }) error?: string;
  @ListOf(() => DepartureRule) rules: DepartureRule[];
}

export class DepartureProgress {
  @Whole({ about: 'Services that are through.' }) done: number;
  @Whole() total: number;
}

export class Departure {
  @Id() id: string;
  @Id() userId: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @OneOf(DEPARTURE_STATUSES) status: DepartureStatus;
  @Id({ nullable: true, about: 'The user who asked for it.' }) requestedBy: string | null;
  @Moment() requestedAt: string;
  @Moment() effectiveAt: string;
  @Moment({ nullable: true }) completedAt: string | null;
  @Text({ nullable: true, max: 1000, about: 'Forgotten when a deletion is complete.' }) reason: string | null;
  @Moment({ optional: true, about: 'When the user is to be reactivated.' }) returnAt?: string;
  @Id({ optional: true, about: 'Of a scheduled reactivation: the deactivation that it ends.' }) returnsFrom?: string;
  @Id({ optional: true, about: 'The shared inbox that the user’s number and threads become.' }) inboxId?: string;
  @OneOf(PROBLEM_CODES, { optional: true, about: 'The code with which a scheduled departure was refused at its time.' })
  error?: ProblemCode;
  @Text({ optional: true, max: 1000, about: 'Why it was refused.' }) errorDetail?: string;
  @Nested(() => DepartureProgress) progress: DepartureProgress;
  @ListOf(() => DepartureService) services: DepartureService[];
}

export class DepartureQuery extends ListQuery {
  @Id({ optional: true }) userId?: string;
  @OneOf(DEPARTURE_STATUSES, { optional: true }) status?: DepartureStatus;
}

/** What `departure.completed` tells on the stream `DEPARTURES`. */
export class CompletedDeparture {
  @Id() departureId: string;
  @Id() accountId: string;
  @Id() userId: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @Moment() completedAt: string;
  @Shape(
    { type: 'object', additionalProperties: { type: 'integer', minimum: 0 } },
    'an object: service → number of rows',
    {
      about: 'Rows touched, by service.',
    },
  )
  affected: Record<string, number>;
}

/** What `departure.scheduled`, `started`, `failed` and `cancelled` tell on the stream `DEPARTURES`. */
export class DepartureNews {
  @Id() departureId: string;
  @Id() accountId: string;
  @Id() userId: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @Moment({ about: 'When it begins, or began.' }) effectiveAt: string;
}

const ofUser = { service: 'identity', access: MANAGERS } as const;
const leaving: readonly ProblemCode[] = [
  'forbidden',
  'not-found',
  'conflict',
  'sole-owner',
  'numbers-assigned',
  'plan-stale',
  'invalid-successor',
  'unknown-rule',
  'invalid-action',
  'service-unavailable',
];
const deleting: readonly ProblemCode[] = [...leaving, 'not-deactivated', 'retention', 'legal-hold'];
/** The owning service waits for others. */
const PATIENCE = 15_000;

export const usersDeactivate = operation<Departure, DepartureRequest>({
  ...ofUser,
  id: 'users.deactivate',
  method: 'POST',
  path: '/v1/users/:id/deactivate',
  summary: 'Deactivate a user: signed out everywhere at once, the data handled as the policy says',
  body: DepartureRequest,
  bodyOptional: true,
  answer: Departure,
  status: 202,
  errors: leaving,
  timeout: PATIENCE,
});

export const usersDelete = operation<Departure, DepartureRequest>({
  ...ofUser,
  id: 'users.delete',
  method: 'POST',
  path: '/v1/users/:id/delete',
  summary: 'Delete a user for good',
  body: DepartureRequest,
  bodyOptional: true,
  answer: Departure,
  status: 202,
  errors: deleting,
  timeout: PATIENCE,
});

export const usersRemove = operation<Departure>({
  ...ofUser,
  id: 'users.remove',
  method: 'DELETE',
  path: '/v1/users/:id',
  summary: 'Delete a user for good, as the account’s policy says',
  answer: Departure,
  status: 202,
  errors: deleting,
  timeout: PATIENCE,
});

export const usersReactivate = operation<Departure, Reactivation>({
  ...ofUser,
  id: 'users.reactivate',
  method: 'POST',
  path: '/v1/users/:id/reactivate',
  summary: 'Reactivate a deactivated user, with password, roles and teams as before',
  body: Reactivation,
  bodyOptional: true,
  answer: Departure,
  status: 202,
  errors: ['forbidden', 'not-found', 'conflict', 'no-free-seat', 'unknown-rule'],
});

export const departuresList = operation<Page<Departure>, NoBody, DepartureQuery>({
  ...ofUser,
  id: 'departures.list',
  method: 'GET',
  path: '/v1/departures',
  summary: 'List departures, newest first',
  query: DepartureQuery,
  answer: pageOf(Departure),
});

export const departuresGet = operation<Departure>({
  ...ofUser,
  id: 'departures.get',
  method: 'GET',
  path: '/v1/departures/:id',
  summary: 'Read a departure with what every service did',
  answer: Departure,
  errors: ['not-found'],
});

export const departuresCancel = operation<Departure>({
  ...ofUser,
  id: 'departures.cancel',
  method: 'POST',
  path: '/v1/departures/:id/cancel',
  summary: 'Call off a scheduled departure',
  answer: Departure,
  status: 200,
  errors: ['forbidden', 'not-found', 'conflict'],
});

export const departuresRetry = operation<Departure>({
  ...ofUser,
  id: 'departures.retry',
  method: 'POST',
  path: '/v1/departures/:id/retry',
  summary: 'Have the failed services of a departure try again',
  answer: Departure,
  status: 202,
  location: '/v1/departures/:id',
  errors: ['forbidden', 'not-found', 'conflict'],
});
