import { RIGHTS, type RecordType } from '#libs/contracts';
import { shownAs } from '#libs/lifecycle';
import { sql } from 'kysely';

const filter = sql`select f.name from filter f where f.id = t.filter_id`;

/** How rows of contacts are shown behind the counts of a departure. */
export const shown = {
  contact: shownAs('contact', RIGHTS.contacts, { label: sql`coalesce(t.name, t.phone, t.email, t.external_id)` }),
  record: (type: RecordType) => shownAs(type, RIGHTS.records),
  segment: shownAs('segment', RIGHTS.segments),
  filter: shownAs('filter', RIGHTS.filters, { team: sql`t.visibility = 'public'` }),
  filterCondition: shownAs('filter-condition', RIGHTS.filters, {
    label: sql`(${filter})`,
    own: sql`exists (${filter} and f.owner_id = a.user_id)`,
    team: sql`exists (${filter} and f.visibility = 'public')`,
  }),
  importSource: shownAs('import-source', RIGHTS['import-sources'], {
    label: sql`concat(t.kind, '://', t.host, '/', ltrim(t.path, '/'))`,
  }),
  note: shownAs('note', RIGHTS.notes, { label: 'text' }),
  comment: shownAs('comment', RIGHTS.comments, { label: 'text' }),
  file: shownAs('file', RIGHTS.files),
};
