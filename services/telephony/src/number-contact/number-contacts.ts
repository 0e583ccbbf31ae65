import type { Db } from '#libs/lifecycle';
import { sql } from 'kysely';

/** Largest number of contacts in one move. */
const CHUNK = 500;

/** All contacts of a number go to one user, or to none. */
export interface Move {
  numberId: string;
  userId: string | null;
}

/**
 * Adds contacts to a number; contacts it already has are ignored.
 * @returns how many were new
 */
export async function addContacts(
  db: Db,
  number: { id: string; accountId: string },
  contactIds: readonly string[],
  now: Date,
): Promise<number> {
  const { rows } = await sql`
    insert into number_contact (number_id, contact_id, account_id, created_at)
    select ${number.id}, contact_id, ${number.accountId}, ${now} from unnest(${[...contactIds]}::uuid[]) as c (contact_id) order by 2
    on conflict do nothing returning contact_id`.execute(db);
  return rows.length;
}

/**
 * Records, in the caller's transaction, the new user of these numbers' contacts; a worker passes it on to the contacts
 * service. The caller must hold an exclusive lock on the numbers' rows, so that no contact is added meanwhile.
 */
export async function recordMoves(db: Db, moves: readonly Move[]): Promise<void> {
  await sql`
    insert into contacts_moved (account_id, contact_ids, user_id)
    select account_id, array_agg(contact_id), user_id
    from (
      select c.account_id, c.contact_id, m.*, (row_number() over (partition by c.number_id order by c.contact_id) - 1) / ${CHUNK} as chunk
      from unnest(${moves.map(({ numberId }) => numberId)}::uuid[], ${moves.map(({ userId }) => userId)}::uuid[])
        as m (number_id, user_id)
      join number_contact c on c.number_id = m.number_id) one
    group by account_id, number_id, user_id, chunk`.execute(db);
}

/** Moves all contacts of one number to another. */
export async function handContactsOver(db: Db, fromId: string, toId: string): Promise<void> {
  await sql`
    with gone as (delete from number_contact where number_id = ${fromId} returning *)
    insert into number_contact (number_id, contact_id, account_id, created_at)
    select ${toId}, contact_id, account_id, created_at from gone on conflict do nothing`.execute(db);
}
