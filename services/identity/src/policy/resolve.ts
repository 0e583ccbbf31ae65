import {
  defaultOf,
  type ActionChoice,
  type ActionInput,
  type NamedSuccessors,
  type Overrides,
  type Preset,
  type ResolvedAction,
  type ResolvedRules,
  type RuleDescription,
  type Transition,
  type TransitionDescription,
} from '#libs/contracts';
import { choiceOf } from './choices.js';
import { resolvedSuccessor } from './successor-choices.js';

/** What a request chooses for one departure, in addition to the account's policy. */
export interface PolicyChoices {
  /** The transitions that the departure applies. A deletion also applies `deactivated`. */
  steps: readonly Transition[];
  overrides?: Record<string, ActionInput>;
  successors?: NamedSuccessors;
  /** The manager of the leaver. */
  managerId?: string | null;
}

export interface AccountPolicy {
  preset: Preset;
  overrides: Overrides;
}

/**
 * Resolves the action of every rule in one departure. The order of precedence is: the departure's override, the
 * account's override, the preset's default. A named successor then turns the action into a transfer if the rule offers
 * it. A default successor does not change an action that the departure's override has chosen. Overrides that a rule
 * does not offer are ignored, because the rules can have changed since. A take-over leaves no choice.
 */
export function resolve(
  catalogue: readonly RuleDescription[],
  account: AccountPolicy,
  request: PolicyChoices,
): ResolvedRules {
  const rules = catalogue.map((rule): [string, ResolvedRules[string]] => {
    const transitions = request.steps.flatMap((transition): [Transition, ResolvedAction][] => {
      const description = rule.transitions[transition];
      return description ? [[transition, resolveOne(rule, transition, description, account, request)]] : [];
    });
    return [rule.id, Object.fromEntries(transitions)];
  });
  return Object.fromEntries(rules.filter(([, transitions]) => Object.keys(transitions).length > 0));
}

function resolveOne(
  rule: RuleDescription,
  transition: Transition,
  description: TransitionDescription,
  account: AccountPolicy,
  { overrides = {}, successors = {}, managerId = null }: PolicyChoices,
): ResolvedAction {
  const presetDefault = defaultOf(description, account.preset);
  if (rule.fixed || transition === 'transferred') return presetDefault;
  const own = offered(description, overrides[rule.id]);
  const choice = own ?? offered(description, account.overrides[rule.id]?.[transition]) ?? presetDefault;
  const named = successors[rule.id] ?? (own && own.action !== 'transfer' ? undefined : successors.default);
  if (!named) return choice;
  const successor = resolvedSuccessor(named, managerId);
  if (choice.action === 'replace') return { ...choice, ...successor };
  return description.allowed.includes('transfer') ? { action: 'transfer', ...successor } : choice;
}

/** The override with missing parameters taken from the rule's declaration; undefined if the rule does not offer it. */
function offered(description: TransitionDescription, input: ActionInput | undefined): ActionChoice | undefined {
  if (input === undefined) return undefined;
  const choice = choiceOf(input);
  if (!description.allowed.includes(choice.action)) return undefined;
  const declared = [description.default, ...Object.values(description.presets)].find(
    (one) => one?.action === choice.action,
  );
  return { ...declared, ...choice };
}
