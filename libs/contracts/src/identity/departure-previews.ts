import { Flag, Id, ListOf, Moment, Nested, OneOf, Shape, SomeOf, Text, Whole } from '../fields.js';
import { NoBody, operation } from '../operation.js';
import { ACTIONS, TRANSITIONS, type ActionChoice, type ActionName, type Transition } from '../policy.js';
import { DAYS_TO_TELL, MOST_TO_TELL } from '../contacts-to-tell.js';
import { MANAGERS } from '../principal.js';
import { PROBLEM_CODES, type ProblemCode } from '../problem.js';
import { RULE_SCOPES } from './departures.js';

export class PreviewQuery {
  @OneOf(TRANSITIONS) transition: Transition;
}

export class PreviewBlocker {
  @OneOf(PROBLEM_CODES, { about: 'The code with which the departure would be refused.' }) code: ProblemCode;
  @Text({ max: 1000 }) detail: string;
  @Shape({ type: 'array' }, 'a list', { about: 'What stands in the way, by id.' }) items: unknown[];
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
  @OneOf(RULE_SCOPES, { optional: true }) scope?: ActionChoice['scope'];
  @SomeOf(ACTIONS) allowed: ActionName[];
  @Whole({ about: 'Rows that it would touch; for `keep`, that stay.' }) count: number;
  @Text({ optional: true, max: 1000 }) detail?: string;
}

export class ContactToTell {
  @Id() contactId: string;
  @Text({ nullable: true }) name: string | null;
  @Text({ nullable: true }) phone: string | null;
  @Moment({ nullable: true, about: 'In either direction.' }) lastMessageAt: string | null;
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
  @ListOf(() => ContactToTell, {
    max: MOST_TO_TELL,
    about: `With whom there were messages in the personal inbox in the last ${DAYS_TO_TELL} days, the latest first, ${MOST_TO_TELL} at most.`,
  })
  contactsToTell: ContactToTell[];
  @Whole({ about: `How many there are, also beyond the ${MOST_TO_TELL} that are named.` }) contactsToTellTotal: number;
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

const ofUser = { service: 'identity', access: MANAGERS } as const;
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
