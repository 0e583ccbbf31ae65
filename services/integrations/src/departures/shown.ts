import { RIGHTS } from '#libs/contracts';
import { shownAs } from '#libs/lifecycle';
import { sql } from 'kysely';

const hasStorage = sql`exists (
  select from storage_access s where s.storage_id = t.storage_id and s.user_id = a.user_id)`;
const isGranted = sql`exists (select from template_grant g where g.template_id = t.id and g.user_id = a.user_id)`;

/** How rows of integrations are shown behind the counts of a departure. */
export const shown = {
  app: shownAs('app', RIGHTS.apps, { label: 'appId' }),
  sharedApp: shownAs('app', RIGHTS.apps, { label: 'appId', holder: sql`t.installed_by` }),
  webhook: shownAs('webhook', RIGHTS.webhooks, { label: 'url' }),
  accountSync: shownAs('account-sync', RIGHTS['account-syncs'], { label: sql`concat(t.kind, ' (', t.provider, ')')` }),
  schedulerLink: shownAs('scheduler-link', RIGHTS['scheduler-links']),
  document: shownAs('document', RIGHTS.documents, { team: hasStorage }),
  documentTemplate: shownAs('document-template', RIGHTS['document-templates'], {
    team: sql`${isGranted} and ${hasStorage}`,
  }),
  signature: shownAs('signature', RIGHTS.signatures),
  invoice: shownAs('invoice', RIGHTS.invoices, { label: 'number' }),
};
