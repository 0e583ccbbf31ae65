import { TRANSITIONS, type Transition } from '#libs/contracts';
import type { Action, Rule } from '#libs/lifecycle';

/** The actions of a rule, or of one of its parts, on each transition. */
export function offers(rule: Rule, part: string | undefined): [Transition, Action][] {
  const only = rule.rows.find((rows) => rows.part === part)?.on;
  return TRANSITIONS.filter((transition) => !only || transition === only).flatMap((transition) =>
    (rule.choices[transition]?.actions ?? []).map((action): [Transition, Action] => [transition, action]),
  );
}
