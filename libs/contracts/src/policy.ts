/** What a rule can do with a leaver's rows. The names are durable: policies and receipts contain them. See rules.md. */
export const ACTIONS = [
  'keep',
  'unassign',
  'transfer',
  'replace',
  'disable',
  'hold',
  'cancel',
  'stop',
  'expire',
  'uninstall',
  'revoke',
  'withdraw',
  'delete',
  'delete-after',
  'release-after',
  'redact',
  'remove',
  'exclude',
  'free',
  'end',
  'block',
] as const;
export type ActionName = (typeof ACTIONS)[number];

/** The kinds of product that Leaver serves. An account picks one as the base of its policy. */
export const PRESETS = ['crm', 'helpdesk', 'texting', 'calls'] as const;
export type Preset = (typeof PRESETS)[number];

/**
 * What rules distinguish, in the order in which their steps are applied. `transferred`: another person has taken the user
 * over, so what is the former person's own ends, and the user stays.
 */
export const TRANSITIONS = ['transferred', 'deactivated', 'deleted'] as const;
export type Transition = (typeof TRANSITIONS)[number];

/**
 * What a decision applies. `reassigned` is no transition of rules: the rows of chosen rules go to another user, with the action
 * that the rule hands over with (`handOver`), and the user stays.
 */
export const APPLIED_TRANSITIONS = ['reassigned', ...TRANSITIONS] as const;
export type AppliedTransition = (typeof APPLIED_TRANSITIONS)[number];

/** The transitions with which a user leaves. */
export const LEAVING_TRANSITIONS = ['deactivated', 'deleted'] as const;
export type LeavingTransition = (typeof LEAVING_TRANSITIONS)[number];

/** An action with its parameters, as a policy names it. */
export interface ActionChoice {
  action: ActionName;
  /** For the `-after` actions: how long the effect is delayed. */
  days?: number;
  /** For `integrations.shared-apps`: which apps are affected. */
  scope?: 'all' | 'installed-by-leaver';
}

/** How the active members of a team share a leaver's rows: in turn, or those with the fewest such rows first. */
export const TEAM_WAYS = ['round-robin', 'fewest-open'] as const;
export type TeamWay = (typeof TEAM_WAYS)[number];

/** Of a larger team, the first ones by id get rows. Receipts name each of them. */
export const MOST_RECEIVERS = 200;

/** A team whose active members get the rows, at most `MOST_RECEIVERS` of them. */
export interface TeamSuccessor {
  id: string;
  by: TeamWay;
}

/** An action as decided for one departure: the policy's choice, with the successor if rows are transferred. */
export interface ResolvedAction extends ActionChoice {
  /**
   * The named successor. Without one, a transfer goes to the first admin. With a `team` it is one of its active members: a
   * service of a former version, which does not know teams, gives this user all rows.
   */
  to?: string;
  team?: TeamSuccessor;
  /** How the request has named `to`, unless by the id alone. The answers about the departure then list the receivers. */
  namedBy?: 'user' | 'manager';
}

export type ResolvedRules = Record<string, Partial<Record<AppliedTransition, ResolvedAction>>>;

/** The policy in force when a departure was decided. It travels inside the event. */
export interface ResolvedPolicy {
  preset: Preset;
  /** Goes up by one with every change of the account's policy. */
  version: number;
  rules: ResolvedRules;
}

/** A service's description of one of its rules. Identity's catalogue consists of these. */
export interface RuleDescription {
  id: string;
  service: string;
  label: string;
  /** Order within the service, as in its rules file. */
  position: number;
  /** Overrides cannot change it. */
  fixed: boolean;
  /**
   * How the rule hands rows over while the user stays. Absent if it cannot, and in the description of an older service, which does
   * not know reassignments.
   */
  handOver?: ActionChoice;
  transitions: Partial<Record<Transition, TransitionDescription>>;
}

export interface TransitionDescription {
  allowed: readonly ActionName[];
  /** Those of `allowed` that take what nobody can make again. Absent in the description of an older service: none. */
  destroys?: readonly ActionName[];
  /** Those of `destroys` that take it as soon as they are applied, not only when their days are over. */
  destroysAtOnce?: readonly ActionName[];
  default: ActionChoice;
  presets: Partial<Record<Preset, ActionChoice>>;
}

/** What a rule offers on a transition; for a reassignment only how it hands over. Undefined if it does nothing then. */
export const offeredOn = (
  { handOver, transitions }: RuleDescription,
  transition: AppliedTransition,
): TransitionDescription | undefined =>
  transition === 'reassigned'
    ? handOver && { allowed: [handOver.action], default: handOver, presets: {} }
    : transitions[transition];

/** What a rule does under a preset if the account does not override it. */
export const defaultOf = (transition: TransitionDescription, preset: Preset): ActionChoice =>
  transition.presets[preset] ?? transition.default;
