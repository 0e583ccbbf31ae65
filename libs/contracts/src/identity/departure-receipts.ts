import { ListOf, Moment, Nested, OneOf, Text, Whole } from '../fields.js';
import { RESTORE } from '../lifecycle.js';
import { ACTIONS, type ActionChoice, type ActionName } from '../policy.js';

import { ReceiversField, type Receivers } from './successors.js';

export const DEPARTURE_TRANSITIONS = ['deactivated', 'deleted', 'reactivated', 'transferred', 'reassigned'] as const;
export type DepartureTransition = (typeof DEPARTURE_TRANSITIONS)[number];
export const SERVICE_STATUSES = ['pending', 'running', 'completed', 'failed', 'superseded', 'retired'] as const;
export type ServiceStatus = (typeof SERVICE_STATUSES)[number];
export const RULE_SCOPES = ['all', 'installed-by-leaver'] as const;

/** Why a try failed. It names tables and constraints, never values. */
export class DepartureStepFailure {
  @Text({ about: 'An error code, or the SQLSTATE.' }) error: string;
  @Text({ optional: true, about: 'The code of the database error.' }) sqlState?: string;
  @Text({ optional: true, about: 'The table that the database names.' }) table?: string;
  @Text({ optional: true, about: 'The constraint that the database names.' }) constraint?: string;
  @Whole({ about: 'Failed tries so far.' }) attempts: number;
  @Moment({ optional: true, about: 'When the next try is due. Absent after the last one.' }) nextTryAt?: string;
}

export class DepartureFailure extends DepartureStepFailure {
  @Text({ optional: true, about: 'The rule that failed. Absent if the error did not come from a rule.' })
  rule?: string;
  @Text({
    optional: true,
    about: 'The kind of rows, if the rule covers several kinds or an action also affects another service.',
  })
  part?: string;
}

/** The event of a service that has not answered. It is published again until the service answers. */
export class AwaitedAnswer {
  @Moment({ about: 'Since when the departure waits for the service.' }) since: string;
  @Whole({ about: 'How often the event has been published.' }) attempts: number;
  @Moment({ optional: true, about: 'When the event is published again. Absent if that is due now.' })
  nextTryAt?: string;
}

export class DepartureRule {
  @Text() rule: string;
  @Text({
    optional: true,
    about: 'The kind of rows, if the rule covers several kinds or an action also affects another service.',
  })
  part?: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @OneOf([...ACTIONS, RESTORE], { about: '`restore` if a reactivation has undone what the rule did.' })
  action: ActionName | typeof RESTORE;
  @Whole({ optional: true }) days?: number;
  @OneOf(RULE_SCOPES, { optional: true }) scope?: ActionChoice['scope'];
  @Whole({ about: 'Rows that the rule has changed; for `keep`, rows that stay.' }) affected: number;
  @Whole({ optional: true, about: 'For a restoration: rows of the departure that are not restored.' })
  notRestored?: number;
  @ReceiversField() transferredTo?: Receivers;
  @Moment({ optional: true, about: 'When the delayed effect is due.' }) dueAt?: string;
  @Moment({ optional: true, about: 'Since when a legal hold has delayed the due effect.' })
  heldAt?: string;
  @Moment({ optional: true, about: 'When the delayed effect happened.' }) doneAt?: string;
  @Text({
    optional: true,
    about:
      'A code: `successor-has-left`; for a restoration, `changed-since` or `cannot-be-restored` if rows are not ' +
      'restored, and `partly-restored` if restored rows no longer name another person, who has left meanwhile; ' +
      '`rule-dropped` if the service no longer declares the rule and the operator has not confirmed that.',
  })
  warning?: string;
  @Whole({ nullable: true, about: 'Rows that the rule should have changed and has not. Null until they are counted.' })
  remaining: number | null;
  @Moment({ nullable: true, about: 'Null while the rule is running.' }) finishedAt: string | null;
  @Nested(() => DepartureStepFailure, { optional: true, about: 'The latest failure of a rule that is not finished.' })
  failure?: DepartureStepFailure;
}

/** A service in a departure, without what its rules have done. */
export class DepartureServiceSummary {
  @Text() service: string;
  @OneOf(SERVICE_STATUSES, {
    about: '`retired` if an operator has retired the service before it had finished.',
  })
  status: ServiceStatus;
  @Text({ optional: true }) error?: string;
  @Nested(() => DepartureFailure, {
    optional: true,
    about: 'The failure that `error` is about, until the service has finished.',
  })
  failure?: DepartureFailure;
  @Nested(() => AwaitedAnswer, { optional: true, about: 'For a service that has not answered the latest event.' })
  awaited?: AwaitedAnswer;
}

export class DepartureService extends DepartureServiceSummary {
  @ListOf(() => DepartureRule) rules: DepartureRule[];
}

export class DepartureProgress {
  @Whole({ about: 'Services that have finished.' }) done: number;
  @Whole() total: number;
}
