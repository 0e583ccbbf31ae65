import { cutText } from '#libs/contracts';
import type { Db, DeletedPerson } from '#libs/lifecycle';
import { sql } from 'kysely';
import { LONGEST_VALUE } from './batch-writer.js';

/**
 * An import report can list a staff id that belonged to no user at the time but was given to one later. When that user
 * is deleted, the stored staff id is replaced by a reference to the user.
 */
export async function replaceFormerStaffIds(db: Db, deleted: readonly DeletedPerson[]): Promise<void> {
  const known = deleted.flatMap(({ accountId, userId, staffIds }) =>
    staffIds.map((staffId) => ({ accountId, userId, value: cutText(staffId, LONGEST_VALUE) })),
  );
  if (known.length === 0) return;
  await sql`
      update contact_import_unmatched u set value = null, user_id = n.user_id
      from unnest(${known.map((one) => one.accountId)}::uuid[], ${known.map((one) => one.userId)}::uuid[],
        ${known.map((one) => one.value)}::text[]) as n (account_id, user_id, value)
      join contact_import i on i.account_id = n.account_id
      where u.import_id = i.id and u.value = n.value`.execute(db);
}
