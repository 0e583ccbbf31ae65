import { LEAVING_TRANSITIONS, type AppliedTransition, type RuleDescription, type Transition } from '#libs/contracts';
import { choiceOf, type Action } from './actions.js';
import type { Rule } from './rule.js';

/** How a rule hands rows over while the user stays: with an action that it offers for a departure. */
export interface HandOver {
  /** The transition that offers the action. */
  transition: Transition;
  action: Action;
}

/** Undefined for a rule that can neither transfer nor replace. */
export function handOverOf({ choices }: Rule): HandOver | undefined {
  for (const transition of LEAVING_TRANSITIONS) {
    const actions = choices[transition]?.actions ?? [];
    const action = actions.find(({ name }) => name === 'transfer') ?? actions.find(({ name }) => name === 'replace');
    if (action) return { transition, action };
  }
  return undefined;
}

/** For the description of the rule. */
export function describedHandOver(rule: Rule): Pick<RuleDescription, 'handOver'> {
  const found = handOverOf(rule);
  return found ? { handOver: choiceOf(found.action) } : {};
}

/** The transition whose declarations apply. */
export const declaredOn = (rule: Rule, transition: AppliedTransition): Transition | undefined =>
  transition === 'reassigned' ? handOverOf(rule)?.transition : transition;

export function actionsOn(rule: Rule, transition: AppliedTransition): readonly Action[] {
  if (transition !== 'reassigned') return rule.choices[transition]?.actions ?? [];
  const found = handOverOf(rule);
  return found ? [found.action] : [];
}
