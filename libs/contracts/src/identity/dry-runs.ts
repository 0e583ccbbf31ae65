import { Flag, Id, ListOf, OneOf, Text, Whole } from '../fields.js';
import { ACTIONS, type ActionChoice, type ActionName } from '../policy.js';
import { PreviewBlocker } from './departure-previews.js';
import { DEPARTURE_TRANSITIONS, RULE_SCOPES, type DepartureTransition } from './departure-receipts.js';

/** How long a dry run is kept. */
export const DRY_RUN_DAYS = 7;

/** What a rule would do to the rows of all users of a list who can leave. */
export class DryRunTotal {
  @Text() rule: string;
  @Text({ optional: true, about: 'The kind of rows, as in a preview.' }) part?: string;
  @OneOf(DEPARTURE_TRANSITIONS) transition: DepartureTransition;
  @OneOf(ACTIONS) action: ActionName;
  @Whole({ optional: true }) days?: number;
  @OneOf(RULE_SCOPES, { optional: true }) scope?: ActionChoice['scope'];
  @Flag({ about: 'Whether the action takes something that cannot be made again.' }) destroys: boolean;
  @Whole({ min: 1, about: 'Rows that the rule would change; for `keep`, rows that stay.' }) count: number;
}

export class DryRunItem {
  @Whole({ min: 1, about: 'Position in the request, or in the file without its header line.' }) row: number;
  @Id({ nullable: true, about: 'Null if no user has the staff id.' }) userId: string | null;
  @Flag({ about: 'Whether nothing prevents the departure.' }) possible: boolean;
  @ListOf(() => PreviewBlocker, { about: 'As in a preview, with at most 5 ids each.' }) blockers: PreviewBlocker[];
  @Whole({ about: 'Rows of all rules that would be changed. Rows that would be kept do not count.' }) count: number;
}
