import { sql } from 'kysely';
import type { SyncKind } from '#libs/contracts';
import {
  always,
  can,
  disable,
  expire,
  keep,
  NOW,
  ofAccount,
  only,
  owned,
  rule,
  scoped,
  stop,
  transfer,
  uninstall,
  type Rule,
  type SideEffects,
} from '#libs/lifecycle';
import { AccountSync } from '../account-sync/account-sync.entity.js';
import { App } from '../app/app.entity.js';
import { DocumentTemplate } from '../document-template/document-template.entity.js';
import { lostTemplates } from '../document-template/lost-templates.js';
import { Document } from '../document/document.entity.js';
import { Invoice } from '../invoice/invoice.entity.js';
import { SchedulerLink } from '../scheduler-link/scheduler-link.entity.js';
import { Signature } from '../signature/signature.entity.js';
import { emptyQueues } from '../webhook/deliveries.js';
import { Webhook } from '../webhook/webhook.entity.js';
import { shown } from './shown.js';

/** When the row was granted to its user, or granted again: see `Rows.grantedAt`. */
const grantedAt = sql`coalesce(t.granted_at, t.created_at)`;

/** Clears the token, which must not be usable after the app is uninstalled. */
const uninstallApp = uninstall({ status: 'uninstalled', accessToken: null, uninstalledAt: NOW });

/**
 * An app acts on behalf of its installer. A manager's shared apps are left to the next rule, so that no app is counted
 * twice.
 */
const apps = rule('integrations.apps', 'Installed apps', {
  rows: owned(
    App,
    'installedBy',
    { status: 'installed' },
    { match: sql`not (t.shared and l.was_manager)`, grantedAt, shown: shown.app },
  ),
  transferred: always(uninstallApp),
  deactivated: can(uninstallApp, transfer),
});

const sharedByLeaver = owned(
  App,
  'installedBy',
  { status: 'installed', shared: true },
  { match: sql`l.was_manager`, grantedAt },
);

/**
 * When an owner or admin leaves, the rule covers all shared apps of the account that were installed before, by anyone;
 * when another user leaves, none. Only apps that the leaver installed can be transferred. With keep, all shared apps of
 * the account are counted.
 */
const sharedApps = rule('integrations.shared-apps', "The account's shared apps", {
  rows: ofAccount(
    App,
    { status: 'installed', shared: true },
    sql`l.was_manager and (t.created_at <= l.left_at or t.installed_by = l.user_id)`,
    { shown: shown.sharedApp },
  ),
  transferred: always(scoped('installed-by-leaver', only(sharedByLeaver, uninstallApp))),
  deactivated: can(
    scoped('all', uninstallApp),
    scoped('installed-by-leaver', only(sharedByLeaver, uninstallApp)),
    only(sharedByLeaver, transfer),
    keep,
  ),
  warning: true,
  explain: ({ action, count, transition }) => {
    if (action !== 'uninstall') return undefined;
    const advice = transition === 'transferred' ? 'Install them again' : 'Choose keep or transfer';
    return `Attention: ${count} shared app(s) stop working for the whole account. ${advice} to continue using them.`;
  },
});

const withoutQueue: SideEffects = {
  local: { apply: emptyQueues, inverse: { impossible: 'the events of deleted deliveries are not stored elsewhere' } },
};

/** Nobody is responsible for the receiver any more, so deliveries end, including queued ones. */
const webhooks = rule('integrations.webhooks', 'Webhooks', {
  rows: owned(Webhook, 'ownerId', {}, { grantedAt, shown: shown.webhook }),
  // The former person may know the secret. `rotate-secret` creates another one, then the webhook can be activated.
  transferred: always(
    disable(
      { active: false, secret: null, formerSecret: null, formerSecretUntil: null },
      { sideEffects: withoutQueue },
    ),
  ),
  deactivated: can(disable({ active: false }, { sideEffects: withoutQueue }), transfer),
});

const syncsOf = (kind: SyncKind) =>
  owned(AccountSync, 'ownerId', { kind }, { part: kind, grantedAt, shown: shown.accountSync });
const stopSync = stop({ status: 'stopped', sealedGrant: null, stoppedAt: NOW });

/** Syncs must not read the mailbox of somebody who has left. Deleting the grant makes that impossible. */
const accountSyncs = rule('integrations.account-syncs', 'Account syncs', {
  rows: [syncsOf('email'), syncsOf('contact'), syncsOf('calendar'), syncsOf('drive')],
  transferred: always(stopSync),
  deactivated: always(stopSync),
});

const expireLink = expire({ status: 'expired', expiredAt: NOW });

/**
 * Meetings with the leaver are no longer possible. Links become active again when a reactivation asks for it, or when
 * the owner activates them one by one.
 */
const schedulerLinks = rule('integrations.scheduler-links', 'Meeting scheduler links', {
  rows: owned(SchedulerLink, 'ownerId', {}, { grantedAt, shown: shown.schedulerLink }),
  transferred: always(expireLink),
  deactivated: always(expireLink),
});

/** Users with access to the storage can view and edit them as before. */
const documents = rule('integrations.documents', 'Documents', {
  rows: owned(Document, 'ownerId', {}, { shown: shown.document }),
  deactivated: always(keep),
  deleted: always(keep),
});

/** Users with the owner's permission can still use them, but after the departure nobody can give permission. */
const documentTemplates = rule('integrations.document-templates', 'Document templates', {
  rows: owned(DocumentTemplate, 'ownerId', {}, { shown: shown.documentTemplate }),
  deactivated: always(keep),
  deleted: always(keep),
  warning: true,
  explain: lostTemplates,
});

/** They belong to the deal: users who can see the deal can see them. */
const signatures = rule('integrations.signatures', 'Documents sent for signing', {
  rows: owned(Signature, 'ownerId', {}, { shown: shown.signature }),
  deactivated: always(keep),
  deleted: always(keep),
});

/** Readable as soon as another user is connected with QuickBooks. */
const invoices = rule('integrations.invoices', 'QuickBooks invoices', {
  rows: owned(Invoice, 'ownerId', {}, { shown: shown.invoice }),
  deactivated: always(keep),
  deleted: always(keep),
});

/** The rules for a leaver's integrations, in the order in which they run. */
export const integrationsRules: readonly Rule[] = [
  apps,
  sharedApps,
  webhooks,
  accountSyncs,
  schedulerLinks,
  documents,
  documentTemplates,
  signatures,
  invoices,
];
