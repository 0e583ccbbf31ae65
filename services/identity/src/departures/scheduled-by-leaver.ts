import { displayName, type DirectoryRow } from '#libs/database';
import type { Explain } from '#libs/lifecycle';
import { sql } from 'kysely';

/** Maximum number of departures in the message. */
const MAX_NAMED = 20;

type Scheduled = Pick<DirectoryRow, 'user_id' | 'name' | 'status' | 'redaction_label'> & {
  transition: string;
  day: string;
  /** For another manager. */
  waits: boolean;
};

const OUTCOMES: Partial<Record<string, string>> = {
  keep: 'The leaver has scheduled these departures, and they still happen',
  cancel: 'The leaver has scheduled these departures. They are cancelled',
  transfer: 'The leaver has scheduled these departures. They happen in the name of the successor',
};

/** Names the people whose departures the leaver has scheduled. Those of a bulk departure in progress are only counted. */
export async function scheduledByLeaver({ db, userId, action, count, part }: Explain): Promise<string | undefined> {
  if (part === 'bulk')
    return `The leaver has requested ${count} bulk departure(s) that wait for approval or are not scheduled completely yet.`;
  const { rows } = await sql<Scheduled>`
    select u.user_id, u.name, u.status, u.redaction_label, d.transition, d.status = 'awaiting-approval' as waits,
      to_char(d.effective_at at time zone 'UTC', 'YYYY-MM-DD') as day
    from departure d join directory u on u.user_id = d.user_id
    where d.requested_by = ${userId} and d.status in ('scheduled', 'awaiting-approval') and d.user_id <> ${userId}
    order by d.effective_at, d.id limit ${MAX_NAMED}`.execute(db);
  const named = rows.map(
    (row) => `${displayName(row)} (${row.transition} ${row.waits ? 'waits for approval' : `on ${row.day}`})`,
  );
  const rest = count - rows.length;
  return `${OUTCOMES[action]}: ${named.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}.`;
}
