import type { ScheduledMessage } from '#libs/contracts';
import type { Directory } from '#libs/database';
import type { ScheduledMessageRow } from './scheduled-message.entity.js';

/** Converts scheduled messages to their API representation. */
export async function shownScheduled(
  directory: Directory,
  rows: readonly ScheduledMessageRow[],
): Promise<ScheduledMessage[]> {
  const views = await directory.views(rows.flatMap(({ ownerId, scheduledBy }) => [ownerId, scheduledBy]));
  return rows.map(({ id, inboxId, contactIds, text, at, status, ownerId, scheduledBy, createdAt }) => ({
    ...{ id, inboxId, contactIds, text, status, ownerId },
    at: at.toISOString(),
    owner: views.get(ownerId)!,
    scheduledBy: views.get(scheduledBy)!,
    createdAt: createdAt.toISOString(),
  }));
}
