import type { Db } from '#libs/lifecycle';
import { sql } from 'kysely';

/** True for a source (alias `s`) whose owner has not left. A source without an owner acts for the account. */
export const actsForSomebody = sql`not exists (
  select 1 from directory d where d.user_id = s.owner_id and d.status in ('deactivated', 'deleted'))`;

/**
 * Locks the source's owner until the transaction ends, as `Directory.requireActive` does. Call it in the transaction
 * that writes for the source, before the rows are locked.
 * @returns whether the owner has left. A source without an owner, or that is gone, has none who could leave
 */
export async function ownerHasLeft(db: Db, sourceId: string): Promise<boolean> {
  for (;;) {
    const owner = await ownerOf(db, sourceId);
    if (!owner) return false;
    const { rows } = await sql<{ status: string }>`
      select status from directory where user_id = ${owner} for key share`.execute(db);
    if (!rows.some(({ status }) => status === 'deactivated' || status === 'deleted')) return false;
    // While this transaction waited for the lock, the departure may have given the source to somebody else.
    if ((await ownerOf(db, sourceId)) === owner) return true;
  }
}

async function ownerOf(db: Db, sourceId: string): Promise<string | null> {
  const { rows } = await sql<{ owner_id: string | null }>`
    select owner_id from import_source where id = ${sourceId}`.execute(db);
  return rows[0]?.owner_id ?? null;
}
