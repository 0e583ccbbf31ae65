import { sql } from 'kysely';
import type { Explain } from '#libs/lifecycle';

/** Counts the templates that nobody else may use: without the owner's permission or access to the storage they rest. */
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
    `Nobody else may use ${lost} of these ${count} template(s). We recommend that the user grants permission before ` +
    'leaving, to somebody with access to the storage: afterwards nobody can.'
  );
}
