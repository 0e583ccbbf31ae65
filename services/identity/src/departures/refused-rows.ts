import type { ApplyLocally } from '#libs/lifecycle';
import { sql } from 'kysely';

/** Refuses the rows of cancelled bulk departures that have not been scheduled yet. */
export const refuseWaitingRows: ApplyLocally = async (db, bulkIds) => {
  await sql`
    update bulk_departure_row set code = 'conflict', detail = 'The user who requested this bulk departure has left.'
    where bulk_id = any(${[...bulkIds]}::uuid[]) and departure_id is null and code is null`.execute(db);
};
