import type { Principal } from '#libs/contracts';

/** A private dashboard is visible only to its owner. */
export const visibleTo = ({ userId }: Principal) => ({ $or: [{ shared: true }, { ownerId: userId }] });
