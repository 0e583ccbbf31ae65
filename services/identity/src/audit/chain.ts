import { sha256 } from '../common/secrets.js';

/** What the hash of an entry is taken over. Detail and salt are not among them, so that they can be erased. */
export interface ChainLink {
  accountId: string;
  seq: number;
  /** ISO 8601, in UTC. */
  at: string;
  action: string;
  actorId: string | null;
  system: string | null;
  subjectId: string | null;
  detailDigest: string | null;
}

/** The hash before an account's first entry. */
export const GENESIS = '0'.repeat(64);

/** Each hash covers the one before it: nothing can be changed, left out or put in without all later ones telling. */
export function entryHash(prevHash: string, link: ChainLink): string {
  const { accountId, seq, at, action, actorId, system, subjectId, detailDigest } = link;
  const covered = [prevHash, accountId, seq, at, action, actorId, system, subjectId, detailDigest];
  return sha256(JSON.stringify(covered)).toString('hex');
}

/** Without the salt, a detail that has been erased could be guessed from what is left. */
export const detailDigest = (salt: string, detail: string): string => sha256(`${salt}:${detail}`).toString('hex');
