import { Problem, type EmailVisibility, type Principal } from '#libs/contracts';

/** The condition for rows that a user can see: shared ones and their own. */
export const visibleTo = ({ userId }: Principal) => ({
  $or: [{ visibility: 'shared' as const }, { ownerId: userId }],
});

/**
 * Private rows are visible only to their owner, not even to managers.
 * @throws Problem `not-found` for another user's private row
 */
export function requireVisible(row: { visibility: EmailVisibility; ownerId: string }, { userId }: Principal): void {
  if (row.visibility === 'private' && row.ownerId !== userId) throw new Problem('not-found');
}
