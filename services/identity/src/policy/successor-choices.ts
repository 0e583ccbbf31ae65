import type { ResolvedAction, SuccessorChoice } from '#libs/contracts';

/** No user has this id: rows for a manager who is not there go to the first admin, with the warning of a successor who has left. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

export const isTeam = (choice: SuccessorChoice): choice is Extract<SuccessorChoice, { teamId: string }> =>
  typeof choice === 'object' && 'teamId' in choice;

export const isManager = (choice: SuccessorChoice): choice is { manager: true } =>
  typeof choice === 'object' && 'manager' in choice;

/**
 * Who gets the rows, as events say it.
 * @param managerId of the leaver
 */
export function resolvedSuccessor(
  choice: SuccessorChoice,
  managerId: string | null,
): Pick<ResolvedAction, 'to' | 'team' | 'namedBy'> {
  if (typeof choice === 'string') return { to: choice };
  if ('userId' in choice) return { to: choice.userId, namedBy: 'user' };
  if (isTeam(choice)) return { team: { id: choice.teamId, by: choice.by ?? 'round-robin' } };
  return { to: managerId ?? NOBODY, namedBy: 'manager' };
}

/** The users for whom these successors stand, without the members of teams. */
export const usersIn = (choices: readonly SuccessorChoice[], managerId: string | null): string[] =>
  choices.flatMap((choice) => {
    if (isManager(choice)) return managerId ?? [];
    if (isTeam(choice)) return [];
    return typeof choice === 'string' ? choice : choice.userId;
  });

export const teamsIn = (choices: readonly SuccessorChoice[]): string[] =>
  choices.flatMap((choice) => (isTeam(choice) ? [choice.teamId] : []));

/** Equal for choices that mean the same. */
export function keyOfChoice(choice: SuccessorChoice): string {
  if (isManager(choice)) return 'manager';
  if (isTeam(choice)) return `team ${choice.teamId} ${choice.by ?? 'round-robin'}`;
  return typeof choice === 'string' ? choice : choice.userId;
}
