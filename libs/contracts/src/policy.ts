/** What may be done with a person's rows. The words of rules.md; durable, as policies and receipts name them. */
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

/** The kinds of product that the platform serves; an account picks one as the base of its policy. */
export const PRESETS = ['crm', 'helpdesk', 'texting', 'calls'] as const;
export type Preset = (typeof PRESETS)[number];

/** The two ways of leaving that rules speak of. */
export const TRANSITIONS = ['deactivated', 'deleted'] as const;
export type Transition = (typeof TRANSITIONS)[number];

/** An action with its parameters, as a policy names it. */
export interface ActionChoice {
  action: ActionName;
  /** For the `-after` actions: how long the effect waits. */
  days?: number;
  /** For `integrations.shared-apps`: whose apps go. */
  scope?: 'all' | 'installed-by-leaver';
}

/** An action as decided for one departure: the policy's choice, and who takes over where something is transferred. */
export interface ResolvedAction extends ActionChoice {
  /** The named successor; without one a transfer goes to the first admin. */
  to?: string;
}

export type ResolvedRules = Record<string, Partial<Record<Transition, ResolvedAction>>>;

/** The policy in force when a departure was decided; travels inside the event. */
export interface ResolvedPolicy {
  preset: Preset;
  /** Counts up with every change of the account's policy. */
  version: number;
  rules: ResolvedRules;
}

/** What a service says about one of its rules; identity's catalogue is made of these. */
export interface RuleDescription {
  id: string;
  service: string;
  label: string;
  /** Order within the service, as its rules file reads. */
  position: number;
  /** No override may change it. */
  fixed: boolean;
  transitions: Partial<Record<Transition, TransitionDescription>>;
}

export interface TransitionDescription {
  allowed: readonly ActionName[];
  default: ActionChoice;
  presets: Partial<Record<Preset, ActionChoice>>;
}

/** What a rule does under a preset, when the account has not overridden it. */
export const defaultOf = (transition: TransitionDescription, preset: Preset): ActionChoice =>
  transition.presets[preset] ?? transition.default;
