import { cutText } from '#libs/contracts';
import { deletedRelation, holdsIdentifier, type Db, type DeletedPerson } from '#libs/lifecycle';
import { sql } from 'kysely';
import { LONGEST_VALUE } from './batch-writer.js';

/**
 * An import report can list a staff id that belonged to no user at the time but was given to one later. When that user
 * is deleted, the stored staff id is replaced by a reference to the user.
 */
export async function replaceStaffIds(db: Db, deleted: readonly DeletedPerson[]): Promise<void> {
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

/**
 * Replaces the other identifiers of deleted users in import reports: former staff ids, and names and addresses if an import
 * took its users from the wrong column. The reports of repeated imports list the same values, so each is hashed once per user.
 */
export async function replaceIdentifiers(db: Db, deleted: readonly DeletedPerson[]): Promise<void> {
  const known = deleted.filter(({ identifiers }) => identifiers.length > 0);
  if (known.length === 0) return;
  await sql`
    with listed as materialized (
      select account_id, value, fold_case(value) as folded
      from (select distinct i.account_id, u.value
        from contact_import i join contact_import_unmatched u on u.import_id = i.id
        where i.account_id = any(${known.map(({ accountId }) => accountId)}::uuid[]) and u.value is not null) v),
    found as materialized (
      select l.account_id, l.value, n.user_id from listed l join ${deletedRelation(known)} on n.account_id = l.account_id
      where ${holdsIdentifier(sql`l.folded`)})
    update contact_import_unmatched u set value = null, user_id = f.user_id
    from found f join contact_import i on i.account_id = f.account_id
    where u.import_id = i.id and u.value = f.value`.execute(db);
}
