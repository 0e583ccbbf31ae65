import { MANAGERS_SEE, shownAs } from '#libs/lifecycle';
import { sql } from 'kysely';

const nameOf = (column: string) => sql`(select coalesce(u.name, u.email) from users u where u.id = ${sql.ref(column)})`;

/** How rows of identity are shown behind the counts of a departure. */
export const shown = {
  session: shownAs('session', { see: ['own'] }, { label: 'userAgent' }),
  apiToken: shownAs('api-token', MANAGERS_SEE),
  user: shownAs('user', MANAGERS_SEE, { label: sql`coalesce(t.name, t.email)` }),
  invitation: shownAs('invitation', MANAGERS_SEE, { label: nameOf('t.user_id') }),
  role: shownAs('role', MANAGERS_SEE, { label: 'role' }),
  team: shownAs('team', MANAGERS_SEE, { label: sql`(select m.name from team m where m.id = t.team_id)` }),
  auditEntry: shownAs('audit-entry', MANAGERS_SEE, { label: 'action' }),
  scimToken: shownAs('scim-token', MANAGERS_SEE),
  departure: shownAs('departure', MANAGERS_SEE, {
    label: sql`concat_ws(': ', t.transition, ${nameOf('t.user_id')})`,
  }),
  bulkDeparture: shownAs('bulk-departure', MANAGERS_SEE, {
    label: sql`concat(t.transition, ': ', to_char(t.effective_at at time zone 'UTC', 'YYYY-MM-DD'))`,
  }),
};
