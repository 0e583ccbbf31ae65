import { sha256 } from '../common/secrets.js';

/** The fields that the hash of an entry covers. Detail and salt are not covered, so that they can be erased. */
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

/** Each hash covers the previous one, so changing, removing or inserting an entry invalidates all later hashes. */
export function entryHash(prevHash: string, link: ChainLink): string {
  const { accountId, seq, at, action, actorId, system, subjectId, detailDigest } = link;
  const covered = [prevHash, accountId, seq, at, action, actorId, system, subjectId, detailDigest];
  return sha256(JSON.stringify(covered)).toString('hex');
}

/** Salted, because an erased detail could otherwise be guessed from its digest. */
export const detailDigest = (salt: string, detail: string): string => sha256(`${salt}:${detail}`).toString('hex');
