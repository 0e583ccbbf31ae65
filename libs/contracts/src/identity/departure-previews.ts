import { Flag, Id, ListOf, Moment, Nested, OneOf, Shape, SomeOf, Text, Whole } from '../fields.js';
import { NoBody, operation } from '../operation.js';
import { NOT_RESTORED_REASONS, RESTORE, type NotRestoredReason } from '../lifecycle.js';
import { ACTIONS, TRANSITIONS, type ActionChoice, type ActionName, type Transition } from '../policy.js';
import { DAYS_TO_TELL, MOST_TO_TELL } from '../contacts-to-tell.js';
import { MANAGERS } from '../principal.js';
import { PROBLEM_CODES, type ProblemCode } from '../problem.js';
import { DEPARTURE_TRANSITIONS, RULE_SCOPES, type DepartureTransition } from './departure-receipts.js';
import { DepartureRequest, PLAN_TOKEN_MAX } from './departure-requests.js';
import { PreviewedSuccessor } from './successors.js';
import { ACTION_SCHEMA, PolicyChoices, type ActionInput } from './policy.js';

export class PreviewQuery {
  @OneOf(TRANSITIONS, { about: '`transferred`: another person takes the user over.' }) transition: Transition;
}

/** What a user can be previewed to do: to leave, or to return. */
export const PREVIEWED_TRANSITIONS = ['deactivated', 'deleted', 'reactivated'] as const;
export type PreviewedTransition = (typeof PREVIEWED_TRANSITIONS)[number];

/** The request of a decision that is to be previewed. `reason`, `planToken` and `acceptUncounted` have no effect. */
export class DepartureChoices extends DepartureRequest {
  @OneOf(PREVIEWED_TRANSITIONS, { about: '`reactivated` takes only `restore`: what to restore.' })
  transition: PreviewedTransition;
}

export class PreviewedChoices extends DepartureChoices {
  @Nested(() => PolicyChoices, {
    optional: true,
    about:
      'A policy that is not saved: the preview shows what would happen if it were. The answer has no `planToken`. Not ' +
      'for `reactivated`, which no policy affects.',
  })
  policy?: PolicyChoices;
}

export class PreviewBlocker {
  @OneOf(PROBLEM_CODES, { about: 'The code with which the departure would be refused.' }) code: ProblemCode;
  @Text({ max: 1000 }) detail: string;
  @Shape({ type: 'array' }, 'a list', { about: 'The ids of what prevents it.' }) items: unknown[];
}

export class PreviewWarning {
  @Text() rule: string;
  @Text({ max: 1000 }) detail: string;
}

export class PreviewSuccessors {
  @Id({ nullable: true, about: 'The successor for rules without a named one.' }) firstAdminId: string | null;
  @ListOf(() => PreviewedSuccessor, { optional: true, about: 'Whom each successor of the request stands for.' })
  named?: PreviewedSuccessor[];
}

/** Rows that a departure has changed and that a reactivation would not restore. */
export class MissingRows {
  @OneOf(NOT_RESTORED_REASONS, {
    about:
      '`deleted` since, `taken` by another user, `changed` since, or `final`: the action cannot be undone, or what it ' +
      'took is stored nowhere.',
  })
  reason: NotRestoredReason;
  @Whole({ min: 1 }) count: number;
}

export class PreviewRule {
  @Text() rule: string;
  @Text({
    optional: true,
    about: 'The kind of rows, if the rule covers several kinds or an action also affects another service.',
  })
  part?: string;
  @Text() service: string;
  @Text() label: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @OneOf([...ACTIONS, RESTORE], { about: '`restore` if the user is to return.' }) action: ActionName | typeof RESTORE;
  @Whole({ optional: true }) days?: number;
  @OneOf(RULE_SCOPES, { optional: true }) scope?: ActionChoice['scope'];
  @Id({ optional: true, about: 'Who gets the rows: the named successor, or else the first admin. Absent for a team.' })
  successorId?: string;
  @Id({ optional: true, about: 'The team whose active members get the rows.' }) successorTeamId?: string;
  @SomeOf(ACTIONS) allowed: ActionName[];
  @Flag({ about: 'Whether the action takes something that cannot be made again. A legal hold prevents it.' })
  destroys: boolean;
  @Flag({
    about:
      'Whether a reactivation can undo the action. What it restores depends on whether the rows have been changed since; ' +
      'a delayed effect is undone only before it happens. False in a deletion.',
  })
  undoable: boolean;
  @Flag({ about: 'Whether the account’s policy would do something else, or pass the rows to somebody else.' })
  differsFromPolicy: boolean;
  @Shape(ACTION_SCHEMA, 'an action', {
    optional: true,
    about: 'What the account’s saved policy does. Absent if the user is to return.',
  })
  policyAction?: ActionInput;
  @Whole({
    about: 'Rows that the rule would change; for `keep`, rows that stay; for `restore`, rows that would come back.',
  })
  count: number;
  @Whole({ optional: true, about: 'For `restore`: rows of the departure that would not come back.' })
  notRestored?: number;
  @ListOf(() => MissingRows, { optional: true, about: 'Why these rows would not come back.' }) missing?: MissingRows[];
  @Text({ optional: true, about: 'For `restore`: the code that the receipt would have.' }) warning?: string;
  @Text({ optional: true, max: 1000 }) detail?: string;
}

/** A service whose rows a preview could not count. None of its actions in this departure destroys anything. */
export class UncountedService {
  @Text() service: string;
  @Text({ max: 1000, about: 'Why the service could not count.' }) reason: string;
}

export class ContactToTell {
  @Id() contactId: string;
  @Text({ nullable: true }) name: string | null;
  @Text({ nullable: true }) phone: string | null;
  @Moment({ nullable: true, about: 'The time of the last message in either direction.' }) lastMessageAt: string | null;
}

class PreviewContents {
  @Id() userId: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @Flag({ about: 'Whether nothing prevents the departure.' }) possible: boolean;
  @Moment({ optional: true, about: 'For a deactivation: when the policy erases the user, if they do not return.' })
  erasesAt?: string;
  @ListOf(() => PreviewBlocker) blockers: PreviewBlocker[];
  @ListOf(() => PreviewWarning) warnings: PreviewWarning[];
  @Nested(() => PreviewSuccessors) successors: PreviewSuccessors;
  @ListOf(() => PreviewRule) rules: PreviewRule[];
  @ListOf(() => UncountedService, {
    about:
      'Services that could not count their rows and whose actions destroy nothing. A request with this plan token has to ' +
      'set `acceptUncounted`; the departure is then open until these services are back. If one of them could destroy ' +
      'something, the preview is a 503.',
  })
  uncounted: UncountedService[];
  @ListOf(() => ContactToTell, {
    max: MOST_TO_TELL,
    about:
      `Contacts with messages in the personal inbox in the last ${DAYS_TO_TELL} days, latest first, ` +
      `at most ${MOST_TO_TELL}.`,
  })
  contactsToTell: ContactToTell[];
  @Whole({ about: `The number of these contacts, including those beyond the first ${MOST_TO_TELL}.` })
  contactsToTellTotal: number;
}

/** What a person reads before confirming. If nothing is written in between, the receipts have the same counts. */
export class DeparturePreview extends PreviewContents {
  @Text({
    max: 2000,
    about:
      'Send it with the request to have it refused if the policy, the user or a named successor has changed since the ' +
      'preview. The request may name other successors, actions and times than the policy.',
  })
  planToken: string;
}

/** The same for what a request chooses. */
export class ChoicesPreview extends PreviewContents {
  @Text({
    optional: true,
    max: PLAN_TOKEN_MAX,
    about:
      'Send it with the same request to carry out exactly this plan. The request is refused if it makes other choices, ' +
      'or if the policy, the user, a named successor or the number of rows to be destroyed has changed since the ' +
      'preview; `changes` of the problem says what. Absent in the preview of a policy that is not saved.',
  })
  planToken?: string;
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
/** Milliseconds. Longer than usual, because the owning service waits for other services. */
const TIMEOUT = 15_000;

export const departurePreview = operation<DeparturePreview, NoBody, PreviewQuery>({
  ...ofUser,
  id: 'users.departure-preview',
  method: 'GET',
  path: '/v1/users/:id/departure-preview',
  summary: 'Preview what a departure would do',
  query: PreviewQuery,
  answer: DeparturePreview,
  errors: ['forbidden', 'not-found', 'service-unavailable'],
  timeout: TIMEOUT,
});

export const departureChoicesPreview = operation<ChoicesPreview, PreviewedChoices>({
  ...ofUser,
  id: 'users.departure-preview.choices',
  method: 'POST',
  path: '/v1/users/:id/departure-preview',
  summary: 'Preview exactly what a request to deactivate, delete or reactivate would do',
  body: PreviewedChoices,
  answer: ChoicesPreview,
  status: 200,
  errors: [
    ...(['forbidden', 'not-found', 'invalid-successor', 'unknown-rule', 'invalid-action'] as const),
    ...(['unknown-reference', 'service-unavailable'] as const),
  ],
  ignoresIdempotencyKey: 'A preview changes nothing.',
  timeout: TIMEOUT,
});

export const usersOverview = operation<UserOverview>({
  ...ofUser,
  id: 'users.overview',
  method: 'GET',
  path: '/v1/users/:id/overview',
  summary: 'Count what a user owns, per rule',
  answer: UserOverview,
  errors: ['not-found', 'service-unavailable'],
  timeout: TIMEOUT,
});
