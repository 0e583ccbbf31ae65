import type { ActionChoice, ActionName, AppliedTransition } from './policy.js';

/** What a plan does with the rows of a rule. */
export interface PlannedAction extends Omit<ActionChoice, 'action'> {
  /** `restore` if the user is to return. */
  action: ActionName | 'restore';
  count: number;
  /** Who gets the rows. */
  successorId?: string;
  /** The team whose members get the rows. */
  successorTeamId?: string;
}

/** A line of a plan that is not as it was previewed. */
export interface PlanChange {
  rule: string;
  part?: string;
  transition: AppliedTransition | 'reactivated';
  /** As it was previewed; null if the preview did not have the line. */
  before: PlannedAction | null;
  /** As it is now; null if the plan no longer has the line. */
  after: PlannedAction | null;
}
