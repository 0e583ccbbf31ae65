import type { DepartureFacts, IdentifierDigests, UserEvent } from '#libs/contracts';
import { sql } from 'kysely';
import type { LockedPerson } from '../inbox/directory-rows.js';
import type { Db } from '../declare/where.js';
import type { DigestsByUser } from './identifier-lookup.js';

/** A user who is being deleted, with the details needed to find data that is stored without the user's id. */
export interface DeletedPerson {
  accountId: string;
  userId: string;
  /** Staff ids that the directory and the events name; empty if the user never had one. */
  staffIds: string[];
  departureId: string;
  /** As in `AddressDigest`, for a `Forgetting` that needs addresses. */
  addressDigest?: string;
  /**
   * Of everything that the user is or was called, the address included, for a `Forgetting` that needs addresses. To be
   * compared with `holdsIdentifier`.
   */
  identifiers: IdentifierDigests[];
}

/**
 * Erases details of deleted users that are stored without the user's id, where no rule finds them. Runs in the
 * transaction that applies the deletion, under the exclusive lock on the user and just before the directory erases the
 * profile. A repeated call may have fewer details, so the first call has to erase everything.
 */
export abstract class Forgetting {
  /** Whether `forget` needs the digests of addresses and other identifiers. Before the transaction identity is asked for them. */
  readonly needsAddresses: boolean = false;

  abstract forget(db: Db, deleted: readonly DeletedPerson[]): Promise<void>;
}

/** Erases what names deleted users without their id, while the directory still has their details. */
export async function forgetDeleted(
  db: Db,
  events: readonly UserEvent[],
  locked: ReadonlyMap<string, LockedPerson>,
  forgetting: Forgetting | undefined,
  digests: DigestsByUser,
): Promise<void> {
  const deleted = deletedIn(events, locked, digests);
  if (deleted.length === 0) return;
  await eraseDeadLetters(
    db,
    deleted.map(({ userId }) => userId),
  );
  await forgetting?.forget(db, deleted);
}

/** Events of identity 0.1 carry the digest. */
type FormerFacts = DepartureFacts & { addressDigest?: string };

/** The users that these events delete, with the details from the directory and from the events. */
function deletedIn(
  events: readonly UserEvent[],
  locked: ReadonlyMap<string, LockedPerson>,
  digests: DigestsByUser,
): DeletedPerson[] {
  const deletions = events.filter(({ type }) => type === 'user.deleted');
  if (deletions.length === 0) return [];
  // One batch may hold both the creation and the deletion of a user.
  const byUser = Map.groupBy(events, ({ data }) => data.userId);
  return deletions.map(({ data: { accountId, userId, departure } }) => {
    const staffIds = [locked.get(userId)?.staffId, ...byUser.get(userId)!.map(({ data }) => data.profile.staffId)];
    const facts: FormerFacts = departure!;
    const { address, identifiers = [] } = digests.get(userId) ?? {};
    const addressDigest = facts.addressDigest ?? (address?.departureId === facts.id ? address.digest : undefined);
    return {
      accountId,
      userId,
      staffIds: [...new Set(staffIds.flatMap((staffId) => staffId || []))],
      departureId: facts.id,
      ...(addressDigest && { addressDigest }),
      identifiers: [...(addressDigest ? [{ salt: facts.id, digests: [addressDigest] }] : []), ...identifiers],
    };
  });
}

/** Erases the content of dead letters about these users; the rows stay for the operator. */
async function eraseDeadLetters(db: Db, userIds: readonly string[]): Promise<void> {
  await sql`
    update dead_letter set data = ''
    where split_part(subject, '.', 4) = any(${[...userIds]}::text[]) and data <> ''`.execute(db);
}
