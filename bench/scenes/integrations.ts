import { integrationsRules } from '../../services/integrations/src/departures/integrations.rules.js';
import { entities, migrations } from '../../services/integrations/src/integrations.module.js';
import { FormerMeetingPages } from '../../services/integrations/src/scheduler-link/former-meeting-pages.js';
import { ACCOUNT, personSql } from '../support/people.js';
import type { Scene } from './scene.js';

const STORAGE = '00000000-0000-7000-a000-000000000002';

const each = (people: number, rows: number) => `from generate_series(1, ${people}) n, generate_series(1, ${rows}) i`;

/**
 * 50 rows per user: 10 apps, 5 webhooks with a waiting delivery each, 12 syncs, 6 scheduler links; 4 documents, 2 templates,
 * 3 signatures and 3 invoices, which stay. The rules send no requests. Webhook deliveries about departures come from
 * identity's notifications, which neither side has here.
 */
export const integrations: Scene = {
  parts: {
    name: 'integrations',
    rules: integrationsRules,
    entities,
    migrations,
    forgetting: new FormerMeetingPages(),
  },
  rows: (people) => [
    `insert into app select uuidv7(), '${ACCOUNT}', 'app-' || i, ${personSql('n')}, i % 5 = 0, 'installed', 'sealed', now(), null
     ${each(people, 10)}`,
    `insert into webhook select uuidv7(), '${ACCOUNT}', 'https://example.org/' || i, '{contact.created}', ${personSql('n')}, true, 'sealed', now()
     ${each(people, 5)}`,
    `insert into webhook_delivery select uuidv7(), id, '{}', 0, now(), now() from webhook`,
    `insert into account_sync select uuidv7(), '${ACCOUNT}', (array['email', 'contact', 'calendar', 'drive'])[1 + i % 4], 'google',
     ${personSql('n')}, 'active', 'sealed', now(), null ${each(people, 12)}`,
    `insert into scheduler_link select uuidv7(), '${ACCOUNT}', 'person-' || n || '-' || i, 'Meet person ' || n, ${personSql('n')}, 'active', now(), null
     ${each(people, 6)}`,
    `insert into storage_connection values ('${STORAGE}', '${ACCOUNT}', 'google-drive', now())`,
    `insert into document select uuidv7(), '${ACCOUNT}', 'Document ' || i, '${STORAGE}', ${personSql('n')}, null, now() ${each(people, 4)}`,
    `insert into document_template select uuidv7(), '${ACCOUNT}', 'Template ' || i, '${STORAGE}', ${personSql('n')}, now() ${each(people, 2)}`,
    `insert into signature select uuidv7(), '${ACCOUNT}', null, uuidv7(), 'everyone', 'Contract ' || i, 'built-in', ${personSql('n')}, now()
     ${each(people, 3)}`,
    `insert into invoice select uuidv7(), '${ACCOUNT}', n || '-' || i, 100, 'EUR', ${personSql('n')}, now() ${each(people, 3)}`,
  ],
  policy: {},
  byHand: [
    `update app set status = 'uninstalled', access_token = null, uninstalled_at = now()
     where installed_by = any($1::uuid[]) and status = 'installed'`,
    'delete from webhook_delivery where webhook_id in (select id from webhook where owner_id = any($1::uuid[]))',
    'update webhook set active = false where owner_id = any($1::uuid[]) and active',
    `update account_sync set status = 'stopped', sealed_grant = null, stopped_at = now()
     where owner_id = any($1::uuid[]) and status = 'active'`,
    // Expires the link, and erases the name in its title and slug.
    `update scheduler_link set status = 'expired', expired_at = coalesce(expired_at, now()), title = 'Meeting',
       slug = 'gone-' || encode(sha256(convert_to(slug, 'UTF8')), 'hex') where owner_id = any($1::uuid[])`,
  ],
  oneUpdate: `update app set status = 'uninstalled', access_token = null, uninstalled_at = now() where installed_by = $1 and status = 'installed'`,
};
