import { Flag, Id, Json, ListOf, Moment, Nested, OneOf, Shape, SomeOf, Text, Whole } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, type Page } from '../operation.js';
import { ACTIONS, TRANSITIONS, type ActionChoice, type ActionName, type Transition } from '../policy.js';
import { MANAGERS } from '../principal.js';
import type { ProblemCode } from '../problem.js';
import { ACTION_SCHEMA, BrokenPromise, type ActionInput } from './policy.js';

export const DEPARTURE_TRANSITIONS = ['deactivated', 'deleted', 'reactivated'] as const;
export type DepartureTransition = (typeof DEPARTURE_TRANSITIONS)[number];
export const DEPARTURE_STATUSES = ['scheduled', 'running', 'completed', 'failed', 'superseded', 'cancelled'] as const;
export type DepartureStatus = (typeof DEPARTURE_STATUSES)[number];
const SERVICE_STATUSES = ['pending', 'running', 'completed', 'failed', 'superseded'] as const;
const SCOPES = ['all', 'installed-by-leaver'] as const;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** By rule id, or `default` for all others: who takes over. */
export type NamedSuccessors = Record<string, string>;

export class DepartureRequest {
  @Shape(
    { type: 'object', additionalProperties: { type: 'string', format: 'uuid' } },
    (value) => isObject(value) && Object.values(value).every((id) => typeof id === 'string' && UUID.test(id)),
    'an object: rule id, or `default`, → user id',
    { optional: true, about: 'Who takes over, by rule id; `default` for every rule not named.' },
  )
  successors?: NamedSuccessors;

  @Shape({ type: 'object', additionalProperties: ACTION_SCHEMA }, isObject, 'an object: rule id → action', {
    optional: true,
    about: 'By rule id: another action for this departure alone.',
  })
  overrides?: Record<string, ActionInput>;

  @Text({ optional: true, max: 1000 }) reason?: string;

  @Text({ optional: true, max: 2000, about: 'Of the preview: refused when something has changed since.' })
  planToken?: string;
}

export class Reactivation {
  @OneOf(['none'], { optional: true, about: 'What is restored of that which was given away or taken apart.' })
  restore?: 'none';
}

export class DepartureRule {
  @Text() rule: string;
  @Text({ optional: true, about: 'The kind of rows, where a rule speaks of several.' }) part?: string;
  @OneOf(TRANSITIONS) transition: Transition;
  @OneOf(ACTIONS) action: ActionName;
  @Whole({ optional: true }) days?: number;
  @OneOf(SCOPES, { optional: true }) scope?: ActionChoice['scope'];
  @Whole({ about: 'Rows that the rule has touched; for `keep`, that stayed.' }) affected: number;
  @Id({ optional: true }) transferredTo?: string;
  @Moment({ optional: true, about: 'When the delayed part is due.' }) dueAt?: string;
  @Moment({ optional: true, about: 'When the delayed part has happened.' }) doneAt?: string;
  @Text({ optional: true }) warning?: string;
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
  @Nested(() => DepartureProgress) progress: DepartureProgress;
  @ListOf(() => DepartureService) services: DepartureService[];
}

export class DepartureQuery extends ListQuery {
  @Id({ optional: true }) userId?: string;
  @OneOf(DEPARTURE_STATUSES, { optional: true }) status?: DepartureStatus;
}

export class PreviewQuery {
  @OneOf(TRANSITIONS) transition: Transition;
}

export class PreviewBlocker {
  @Text({ about: 'The code with which the departure would be refused.' }) code: ProblemCode;
  @Text({ max: 1000 }) detail: string;
  @Shape({ type: 'array' }, Array.isArray, 'a list', { about: 'What stands in the way, by id.' }) items: unknown[];
}

export class PreviewWarning {
  @Text() rule: string;
  @Text({ max: 1000 }) detail: string;
}

export class PreviewSuccessors {
  @Id({ nullable: true, about: 'Takes over where nobody is named.' }) firstAdminId: string | null;
}

export class PreviewRule {
  @Text() rule: string;
  @Text({ optional: true, about: 'The kind of rows, where a rule speaks of several.' }) part?: string;
  @Text() service: string;
  @Text() label: string;
  @OneOf(TRANSITIONS) transition: Transition;
  @OneOf(ACTIONS) action: ActionName;
  @Whole({ optional: true }) days?: number;
  @OneOf(SCOPES, { optional: true }) scope?: ActionChoice['scope'];
  @SomeOf(ACTIONS) allowed: ActionName[];
  @Whole({ about: 'Rows that it would touch; for `keep`, that stay.' }) count: number;
  @Text({ optional: true, max: 1000 }) detail?: string;
}

export class ContactToTell {
  @Id() contactId: string;
  @Text({ nullable: true }) name: string | null;
  @Text({ nullable: true }) phone: string | null;
  @Moment({ nullable: true }) lastMessageAt: string | null;
}

/** What a person reads before confirming. With no writes in between, the counts are those of the receipts. */
export class DeparturePreview {
  @Id() userId: string;
  @OneOf(TRANSITIONS) transition: Transition;
  @Text({ max: 2000, about: 'Hand it in with the request to have it refused if something changes meanwhile.' })
  planToken: string;
  @Flag({ about: 'Nothing stands in the way.' }) possible: boolean;
  @ListOf(() => PreviewBlocker) blockers: PreviewBlocker[];
  @ListOf(() => PreviewWarning) warnings: PreviewWarning[];
  @Nested(() => PreviewSuccessors) successors: PreviewSuccessors;
  @ListOf(() => PreviewRule) rules: PreviewRule[];
  @ListOf(() => ContactToTell) contactsToTell: ContactToTell[];
}

export class OwnedByRule {
  @Text() rule: string;
  @Text({ optional: true }) part?: string;
  @Text() service: string;
  @Text() label: string;
  @Whole() count: number;
}

export class UserOverview {
  @Id() userId: string;
  @ListOf(() => OwnedByRule) rules: OwnedByRule[];
}

export class StartedVerification {
  @Id() id: string;
}

export class Verification {
  @Id() id: string;
  @OneOf(['running', 'completed']) status: 'running' | 'completed';
  @Whole({ about: 'People who have left, looked at so far.' }) checked: number;
  @ListOf(() => BrokenPromise, { max: 100_000, about: 'Should be empty.' }) broken: BrokenPromise[];
}

/** What `departure.completed` tells on the stream `DEPARTURES`. */
export class CompletedDeparture {
  @Id() departureId: string;
  @Id() accountId: string;
  @Id() userId: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @Moment() completedAt: string;
  @Json({ about: 'Rows touched, by service.' }) affected: Record<string, number>;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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

export const departurePreview = operation<DeparturePreview, NoBody, PreviewQuery>({
  ...ofUser,
  id: 'users.departure-preview',
  method: 'GET',
  path: '/v1/users/:id/departure-preview',
  summary: 'See what a departure would do, before deciding',
  query: PreviewQuery,
  answer: DeparturePreview,
  errors: ['forbidden', 'not-found', 'service-unavailable'],
  timeout: PATIENCE,
});

export const usersOverview = operation<UserOverview>({
  ...ofUser,
  id: 'users.overview',
  method: 'GET',
  path: '/v1/users/:id/overview',
  summary: 'See what a user owns, per rule',
  answer: UserOverview,
  errors: ['not-found', 'service-unavailable'],
  timeout: PATIENCE,
});

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
  errors: ['forbidden', 'not-found', 'conflict', 'no-free-seat'],
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

export const departuresVerify = operation<StartedVerification>({
  ...ofUser,
  id: 'departures.verify',
  method: 'POST',
  path: '/v1/departures/verify',
  summary: 'Count again, over everybody who has left, what still breaks a promise',
  answer: StartedVerification,
  status: 202,
  errors: ['forbidden'],
});

export const verificationsGet = operation<Verification>({
  ...ofUser,
  id: 'departures.verify.get',
  method: 'GET',
  path: '/v1/departures/verify/:id',
  summary: 'Read what a verification has found so far',
  answer: Verification,
  errors: ['not-found'],
});
