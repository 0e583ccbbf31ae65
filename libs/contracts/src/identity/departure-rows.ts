import { Flag, Id, ListOf, Nested, OneOf, Text, Whole } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Page } from '../operation.js';
import {
  ACTIONS,
  APPLIED_TRANSITIONS,
  TRANSITIONS,
  type ActionChoice,
  type ActionName,
  type AppliedTransition,
  type Transition,
} from '../policy.js';
import { MANAGERS } from '../principal.js';
import { ROWS_REASONS, type RowsReason } from '../row-questions.js';
import { DEPARTURE_TRANSITIONS, RULE_SCOPES, type DepartureTransition } from './departure-receipts.js';

class CountQuery extends ListQuery {
  @Text({ about: 'The id of the rule.' }) rule: string;
  @Text({ optional: true, about: 'The `part` of the line, if it has one.' }) part?: string;
}

export class PreviewedRowsQuery extends CountQuery {
  @OneOf(APPLIED_TRANSITIONS, { about: 'As in the preview. `reassigned`: as in the dry run of a reassignment.' })
  transition: AppliedTransition;
  @OneOf(TRANSITIONS, {
    optional: true,
    about:
      'The `transition` of the line: the preview of a deletion can have two lines of a rule. Default: the last one on ' +
      'which the rule acts.',
  })
  lineTransition?: Transition;
  @OneOf(ACTIONS, {
    optional: true,
    about: 'The action of the line, if the request is to choose another one than the policy.',
  })
  action?: ActionName;
  @OneOf(RULE_SCOPES, { optional: true, about: 'The `scope` of that action.' }) scope?: ActionChoice['scope'];
}

export class AffectedRowsQuery extends CountQuery {
  @OneOf(DEPARTURE_TRANSITIONS, { optional: true, about: 'The `transition` of the line. Default: `deactivated`.' })
  transition?: DepartureTransition;
}

export class RowHolder {
  @Nested(() => UserView) user: UserView;
}

/** A row behind the count of a rule. */
export class CountedRow {
  @Id() id: string;
  @Text({ about: 'What it is, such as `conversation` or `phone-number`.' }) type: string;
  @Text({
    nullable: true,
    about:
      'The text by which a person recognizes it: a name, a title, a number. The id if it has none. Null if it is hidden.',
  })
  label: string | null;
  @Flag({
    optional: true,
    about: 'True if the caller does not see the row itself, such as a private row of another user.',
  })
  hidden?: boolean;
  @Nested(() => RowHolder, { optional: true, about: 'The user who has it now. Absent if nobody has.' }) now?: RowHolder;
}

export class AffectedRows {
  @ListOf(() => CountedRow, { max: 200, about: 'Can be fewer than `limit` although there is a next page.' })
  items: CountedRow[];
  @Text({ nullable: true, max: 500 }) nextCursor: string | null;
  @Whole({ about: 'Rows of this page that no longer exist. They have no label any more.' }) gone: number;
  @OneOf(ROWS_REASONS, {
    optional: true,
    about:
      'Why the rows cannot be listed: `not-applied`: the service has not applied the rule (yet); `not-recorded`: no record ' +
      'is kept of each row; `destroyed`: the departure has deleted them; `user-returned`: the user has been reactivated ' +
      'since; `user-deleted`: what is known about single rows is forgotten with the user.',
  })
  reason?: RowsReason;
}

const ofUser = { service: 'identity', access: MANAGERS, method: 'GET' } as const;
/** Milliseconds. Longer than usual, because identity waits for another service. */
const TIMEOUT = 15_000;

export const previewedRows = operation<Page<CountedRow>, NoBody, PreviewedRowsQuery>({
  ...ofUser,
  id: 'users.departure-preview.rows',
  path: '/v1/users/:id/departure-preview/rows',
  summary: 'List the rows behind a count of a preview',
  query: PreviewedRowsQuery,
  answer: pageOf(CountedRow),
  errors: ['forbidden', 'not-found', 'unknown-rule', 'invalid-action', 'invalid-cursor', 'service-unavailable'],
  timeout: TIMEOUT,
});

export const departureRows = operation<AffectedRows, NoBody, AffectedRowsQuery>({
  ...ofUser,
  id: 'departures.rows',
  path: '/v1/departures/:id/rows',
  summary: 'List the rows that a rule of a departure has affected, and who has them now',
  query: AffectedRowsQuery,
  answer: AffectedRows,
  errors: ['forbidden', 'not-found', 'unknown-rule', 'invalid-cursor', 'service-unavailable'],
  timeout: TIMEOUT,
});
