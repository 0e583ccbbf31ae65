import type { DepartureTransition, NamedSuccessors, ActionInput, Restore } from '#libs/contracts';
import { choiceOf } from '../../../policy/choices.js';
import { keyOfChoice, usersIn } from '../../../policy/successor-choices.js';
import type { Times } from '../departure-times.js';
import type { Plan, PlanRequest } from '../planner.js';

/** What a request chooses, with times as `DepartureTimes` returns them. */
export interface Choices {
  userId: string;
  transition: DepartureTransition;
  successors?: NamedSuccessors;
  /** The users for whom the successors stand, without the members of teams. */
  successorIds?: readonly string[];
  overrides?: Record<string, ActionInput>;
  effectiveAt?: string;
  returnAt?: string;
  /** What the reactivation restores, or the return at `returnAt`. */
  restore?: Restore;
}

/** @param request with the times as they were read */
export const choicesIn = (
  { user, transition }: Pick<Plan, 'user' | 'transition'>,
  { successors, overrides, effectiveAt, returnAt, returnRestore }: PlanRequest & Times,
): Choices => ({
  userId: user.id,
  transition,
  successors,
  successorIds: usersIn(Object.values(successors ?? {}), user.manager_id),
  overrides,
  effectiveAt,
  returnAt,
  restore: returnRestore,
});

/** The choices by name, each in a form that is equal for equal choices. */
export type ChoiceKeys = Readonly<Record<string, string>>;

export function keysOf({ userId, transition, successors, overrides = {}, effectiveAt, returnAt, restore }: Choices) {
  const actions = Object.entries(overrides).map(([rule, input]): [string, unknown] => {
    const { action, days, scope } = choiceOf(input);
    return [rule, [action, days ?? null, scope ?? null]];
  });
  const keys = {
    user: userId,
    transition,
    successors: sorted(
      Object.entries(successors ?? {}).map(([rule, choice]): [string, unknown] => [rule, keyOfChoice(choice)]),
    ),
    overrides: sorted(actions),
    effectiveAt: effectiveAt ?? '',
    returnAt: returnAt ?? '',
    restore: Array.isArray(restore) ? JSON.stringify([...restore].sort()) : (restore ?? ''),
  };
  return keys satisfies ChoiceKeys;
}

/** The names of the choices that differ. */
export const differing = (one: ChoiceKeys, other: ChoiceKeys): string[] =>
  Object.keys(other).filter((name) => one[name] !== other[name]);

const sorted = (entries: [string, unknown][]): string =>
  entries.length === 0 ? '' : JSON.stringify(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
