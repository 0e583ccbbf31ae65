import { RIGHTS } from '#libs/contracts';
import { shownAs } from '#libs/lifecycle';
import { sql } from 'kysely';

/** How rows of telephony are shown behind the counts of a departure. */
export const shown = {
  number: shownAs('phone-number', RIGHTS.numbers, { label: 'e164' }),
  callback: shownAs('callback', RIGHTS.callbacks, {
    label: sql`to_char(t.due_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI "UTC"')`,
  }),
  /** The other side’s number. */
  call: shownAs('call', RIGHTS.calls, {
    label: sql`case when t.direction = 'inbound' then coalesce(t.from_e164, t.to_e164) else t.to_e164 end`,
  }),
};
