import type { UserEvent } from '#libs/contracts';
import { sql } from 'kysely';
import type { LockedPerson } from '../inbox/directory-rows.js';
import type { Db } from '../declare/where.js';

/** Somebody who is being deleted, with what is needed to find their traces where no row names them by id. */
export interface DeletedPerson {
  accountId: string;
  userId: string;
  /** Staff ids that this service has heard of; none when it never knew the person. */
  staffIds: string[];
  departureId: string;
  /** As in `DepartureFacts`. */
  addressDigest?: string;
}

/**
 * How a service makes a deleted person's details go from where they were put down otherwise than by the person's id, so
 * that no rule finds them. It happens in the transaction that applies the deletion, under the exclusive lock on the
 * person and just before the directory forgets them. It may happen again, with less known: once has to be enough.
 */
export abstract class Forgetting {
  abstract forget(db: Db, deleted: readonly DeletedPerson[]): Promise<void>;
}

/** Whatever names the deleted otherwise than by id goes, while the directory still knows what they were called. */
export async function forgetDeleted(
  db: Db,
  events: readonly UserEvent[],
  locked: ReadonlyMap<string, LockedPerson>,
  forgetting?: Forgetting,
): Promise<void> {
  const deleted = deletedIn(events, locked);
  if (deleted.length === 0) return;
  await eraseDeadLetters(
    db,
    deleted.map(({ userId }) => userId),
  );
  await forgetting?.forget(db, deleted);
}

/** Whoever these events delete, as far as directory and events tell. */
function deletedIn(events: readonly UserEvent[], locked: ReadonlyMap<string, LockedPerson>): DeletedPerson[] {
  const deletions = events.filter(({ type }) => type === 'user.deleted');
  if (deletions.length === 0) return [];
  // Somebody may come and go within one batch.
  const about = Map.groupBy(events, ({ data }) => data.userId);
  return deletions.map(({ data: { accountId, userId, departure } }) => {
    const heard = [locked.get(userId)?.staffId, ...about.get(userId)!.map(({ data }) => data.profile.staffId)];
    return {
      accountId,
      userId,
      staffIds: [...new Set(heard.flatMap((staffId) => staffId || []))],
      departureId: departure!.id,
      ...(departure!.addressDigest && { addressDigest: departure!.addressDigest }),
    };
  });
}

/** Messages about these people that could not be understood: that there was one stays to be looked at, not what it said. */
async function eraseDeadLetters(db: Db, userIds: readonly string[]): Promise<void> {
  await sql`
    update dead_letter set data = ''
    where split_part(subject, '.', 4) = any(${[...userIds]}::text[]) and data <> ''`.execute(db);
}
