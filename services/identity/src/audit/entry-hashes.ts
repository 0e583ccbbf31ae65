import { isoOf } from '../common/moments.js';
import type { EntryRow } from './audit-trail.js';
import { detailDigest, entryHash, type ChainLink } from './chain.js';

/** Whether the entry follows the one with this hash, and its fields and detail match its own hash. */
export function isValidEntry(row: EntryRow, prevHash: string): boolean {
  return row.prev_hash === prevHash && row.hash === entryHash(prevHash, linkOf(row)) && isDetailValid(row);
}

function isDetailValid({ detail, salt, detail_digest: digest, scrubbed }: EntryRow): boolean {
  if (detail === null) return digest === null || scrubbed;
  return salt !== null && detailDigest(salt, detail) === digest;
}

const linkOf = (row: EntryRow): ChainLink => ({
  accountId: row.account_id,
  seq: row.seq,
  at: isoOf(row.at),
  action: row.action,
  actorId: row.actor_id,
  system: row.system,
  subjectId: row.subject_id,
  detailDigest: row.detail_digest,
});
