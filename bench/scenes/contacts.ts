import type { ResolvedRules } from '#libs/contracts';
import { entities, migrations } from '../../services/contacts/src/contacts.module.js';
import { ContactsForgetting } from '../../services/contacts/src/departures/forgetting.js';
import { contactsRules } from '../../services/contacts/src/departures/contacts.rules.js';
import type { Scene } from './scene.js';
import { ACCOUNT, personSql } from '../support/people.js';

const filter = (visibility: string) => `
  insert into filter select uuidv7(), '${ACCOUNT}', 'Filter', '${visibility}', ${personSql('n')}, now()
  from generate_series(1, $people) n, generate_series(1, 2)`;

/** 50 rows per user: 30 contacts, 12 records, 2 segments, 4 filters, 2 notes. All but the notes change. */
export const contacts: Scene = {
  parts: { name: 'contacts', rules: contactsRules, entities, migrations, forgetting: new ContactsForgetting() },
  rows: (people) =>
    [
      `insert into contact (id, account_id, external_id, name, phone, assignee, created_at)
      select uuidv7(), '${ACCOUNT}', n || '-' || i, 'Contact ' || i, '+49' || n || i, ${personSql('n')}, now()
      from generate_series(1, $people) n, generate_series(1, 30) i`,
      `insert into record select uuidv7(), '${ACCOUNT}', (array['lead','deal','product','activity','project','task'])[1 + i % 6], 'Record ' || i,
      ${personSql('n')}, null, now() from generate_series(1, $people) n, generate_series(1, 12) i`,
      `insert into segment select uuidv7(), '${ACCOUNT}', 'Segment', '{}', ${personSql('n')}, now()
      from generate_series(1, $people) n, generate_series(1, 2)`,
      filter('public'),
      filter('private'),
      `insert into note (id, account_id, contact_id, text, author, created_at)
      select uuidv7(), account_id, id, 'Note', assignee, now() from contact where external_id ~ '-[12]$'`,
    ].map((text) => text.replaceAll('$people', String(people))),
  policy: {
    'contacts.assignments': { deactivated: { action: 'keep' }, deleted: { action: 'unassign' } },
    'contacts.records': { deactivated: { action: 'keep' }, deleted: { action: 'transfer' } },
    'contacts.segments': { deactivated: { action: 'keep' }, deleted: { action: 'delete' } },
    'contacts.filters': { deactivated: { action: 'keep' }, deleted: { action: 'transfer' } },
    'contacts.private-filters': { deactivated: { action: 'keep' }, deleted: { action: 'delete' } },
  } satisfies ResolvedRules,
  byHand: [
    'update contact set assignee = null where assignee = any($1::uuid[])',
    'update record set owner_id = $2 where owner_id = any($1::uuid[])',
    'delete from segment where owner_id = any($1::uuid[])',
    `update filter set owner_id = $2 where owner_id = any($1::uuid[]) and visibility = 'public'`,
    `delete from filter where owner_id = any($1::uuid[]) and visibility = 'private'`,
  ],
  oneUpdate: 'update contact set assignee = null where assignee = $1',
};
