import type { Principal } from '#libs/contracts';

/** A private dashboard is there for its owner alone. */
export const visibleTo = ({ userId }: Principal) => ({ $or: [{ shared: true }, { ownerId: userId }] });
