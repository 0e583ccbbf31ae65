import { sql } from 'kysely';
import type { Explain } from '#libs/lifecycle';

/**
 * Warns about templates that no other active user may use, which takes the owner's permission and access to the
 * storage.
 */
export async function lostTemplates({ db, accountId, userId, count }: Explain): Promise<string | undefined> {
  const { rows } = await sql<{ lost: string }>`
    select count(*) as lost from document_template t
    where t.account_id = ${accountId} and t.owner_id = ${userId} and not exists (
      select 1 from template_grant g
      join storage_access s on s.storage_id = t.storage_id and s.user_id = g.user_id
      join directory d on d.user_id = g.user_id and d.status not in ('deactivated', 'deleted')
      where g.template_id = t.id)`.execute(db);
  const lost = Number(rows[0]!.lost);
  if (lost === 0) return undefined;
  return (
    `No other user may use ${lost} of these ${count} template(s). We recommend that the user grants permission before ` +
    'leaving, to a user with access to the storage: afterwards nobody can.'
  );
}
