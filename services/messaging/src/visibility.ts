import { Problem, type EmailVisibility, type Principal } from '#libs/contracts';

/** Which rows somebody may see: what is shared, and what is their own. */
export const visibleTo = ({ userId }: Principal) => ({
  $or: [{ visibility: 'shared' as const }, { ownerId: userId }],
});

/**
 * What is private is not there for anybody but its owner, managers included.
 * @throws Problem `not-found`
 */
export function requireVisible(row: { visibility: EmailVisibility; ownerId: string }, { userId }: Principal): void {
  if (row.visibility === 'private' && row.ownerId !== userId) throw new Problem('not-found');
}
