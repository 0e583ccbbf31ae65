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

/** What is wanted for one departure, beside the account's policy. */
export interface PolicyChoices {
  /** Which transitions the departure applies: a deletion both. */
  steps: readonly Transition[];
  overrides?: Record<string, ActionInput>;
  successors?: NamedSuccessors;
}

export interface AccountPolicy {
  preset: Preset;
  overrides: Overrides;
}

/**
 * What every rule does in one departure. The preset's default gives way to the account's override, that one to the
 * departure's, and then a named successor has everything transferred that can be; only what the request itself decides
 * for a rule is not undone by a successor who is named for all rules. What a rule does not offer is passed over: the
 * rules may have changed since the override was written.
 */
export function resolve(
  catalogue: readonly RuleDescription[],
  account: AccountPolicy,
  wishes: PolicyChoices,
): ResolvedRules {
  const rules = catalogue.map((rule): [string, ResolvedRules[string]] => {
    const transitions = wishes.steps.flatMap((transition): [Transition, ResolvedAction][] => {
      const description = rule.transitions[transition];
      return description ? [[transition, resolveOne(rule, transition, description, account, wishes)]] : [];
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
  { overrides = {}, successors = {} }: PolicyChoices,
): ResolvedAction {
  const usual = defaultOf(description, account.preset);
  if (rule.fixed) return usual;
  const own = offered(description, overrides[rule.id]);
  const choice = own ?? offered(description, account.overrides[rule.id]?.[transition]) ?? usual;
  const successor = successors[rule.id] ?? (own && own.action !== 'transfer' ? undefined : successors.default);
  if (!successor) return choice;
  if (choice.action === 'replace') return { ...choice, to: successor };
  return description.allowed.includes('transfer') ? { action: 'transfer', to: successor } : choice;
}

/** The override with what it leaves open taken from the rule's own choices, if the rule offers it at all. */
function offered(description: TransitionDescription, input: ActionInput | undefined): ActionChoice | undefined {
  if (input === undefined) return undefined;
  const choice = choiceOf(input);
  if (!description.allowed.includes(choice.action)) return undefined;
  const declared = [description.default, ...Object.values(description.presets)].find(
    (one) => one?.action === choice.action,
  );
  return { ...declared, ...choice };
}
