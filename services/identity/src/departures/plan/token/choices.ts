import { createHash } from 'node:crypto';
import type { DepartureTransition, NamedSuccessors, ActionInput, Restore, Telling } from '#libs/contracts';
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
  tellContacts?: Telling;
}

/** @param request with the times as they were read */
export const choicesIn = (
  { user, transition }: Pick<Plan, 'user' | 'transition'>,
  { successors, overrides, effectiveAt, returnAt, returnRestore, tellContacts }: PlanRequest & Times,
): Choices => ({
  userId: user.id,
  transition,
  successors,
  successorIds: usersIn(Object.values(successors ?? {}), user.manager_id),
  overrides,
  effectiveAt,
  returnAt,
  restore: returnRestore,
  tellContacts,
});

/** The choices by name, each in a form that is equal for equal choices. */
export type ChoiceKeys = Readonly<Record<string, string>>;

export function keysOf(choices: Choices) {
  const { userId, transition, successors, overrides = {}, effectiveAt, returnAt, restore, tellContacts } = choices;
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
    // Tokens of the release before have no such key.
    ...(tellContacts && { tellContacts: digestOf(tellContacts) }),
  };
  return keys satisfies ChoiceKeys;
}

/** The names of the choices that differ. */
export const differing = (one: ChoiceKeys, other: ChoiceKeys): string[] =>
  Object.keys({ ...one, ...other }).filter((name) => one[name] !== other[name]);

const sorted = (entries: [string, unknown][]): string =>
  entries.length === 0 ? '' : JSON.stringify(entries.sort(([one], [other]) => (one < other ? -1 : 1)));

/** The text itself is no part of a token. */
const digestOf = ({ text, alternativeNumber }: Telling): string =>
  createHash('sha256')
    .update(JSON.stringify([text, alternativeNumber ?? null]))
    .digest('base64url');
