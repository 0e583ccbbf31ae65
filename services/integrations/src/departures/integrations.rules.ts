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

/** Its token is of no use to anybody any more, least of all to whoever might find it. */
const takeOff = uninstall({ status: 'uninstalled', accessToken: null, uninstalledAt: NOW });

/** An app acts for whoever installed it. A manager's shared apps are the next rule's, so that no app counts twice. */
const apps = rule('integrations.apps', 'Installed apps', {
  rows: owned(App, 'installedBy', { status: 'installed' }, { match: sql`not (t.shared and l.was_manager)` }),
  deactivated: can(takeOff, transfer),
});

const sharedByLeaver = owned(App, 'installedBy', { status: 'installed', shared: true }, { match: sql`l.was_manager` });

/**
 * With an owner or admin go all shared apps of the account, whoever installed them: the rule speaks of those that were
 * there when the leaver left, and, for anybody who is no manager, of none. Only what the leaver installed can be
 * transferred. What is kept is counted: all shared apps of the account.
 */
const sharedApps = rule('integrations.shared-apps', "The account's shared apps", {
  rows: ofAccount(
    App,
    { status: 'installed', shared: true },
    sql`l.was_manager and (t.created_at <= l.left_at or t.installed_by = l.user_id)`,
  ),
  deactivated: can(
    scoped('all', takeOff),
    scoped('installed-by-leaver', only(sharedByLeaver, takeOff)),
    only(sharedByLeaver, transfer),
    keep,
  ),
  warning: true,
  explain: ({ action, count }) =>
    action === 'uninstall'
      ? `Attention: ${count} shared app(s) stop working for everybody in the account. Choose keep or transfer to go on using them.`
      : undefined,
});

/** Nobody answers for where the account's events go: no delivery any more, not even of what was waiting. */
const webhooks = rule('integrations.webhooks', 'Webhooks', {
  rows: owned(Webhook, 'ownerId'),
  deactivated: can(disable({ active: false }, { sideEffects: emptyQueues }), transfer),
});

const syncsOf = (kind: SyncKind) => owned(AccountSync, 'ownerId', { kind }, { part: kind });

/** Nothing goes on reading a mailbox whose owner has left; without the grant nothing could. */
const accountSyncs = rule('integrations.account-syncs', 'Account syncs', {
  rows: [syncsOf('email'), syncsOf('contact'), syncsOf('calendar'), syncsOf('drive')],
  deactivated: always(stop({ status: 'stopped', sealedGrant: null, stoppedAt: NOW })),
});

/** Nobody can meet them any more. They come back when a reactivation asks for it, or one by one when their owner activates them. */
const schedulerLinks = rule('integrations.scheduler-links', 'Meeting scheduler links', {
  rows: owned(SchedulerLink, 'ownerId'),
  deactivated: always(expire({ status: 'expired', expiredAt: NOW })),
});

/** Whoever has access to the storage views and edits them as before. */
const documents = rule('integrations.documents', 'Documents', {
  rows: owned(Document, 'ownerId'),
  deactivated: always(keep),
  deleted: always(keep),
});

/** Usable by whomever their owner had permitted; nobody can permit anybody afterwards. */
const documentTemplates = rule('integrations.document-templates', 'Document templates', {
  rows: owned(DocumentTemplate, 'ownerId'),
  deactivated: always(keep),
  deleted: always(keep),
  warning: true,
  explain: lostTemplates,
});

/** They belong to the deal: whoever may see that sees them. */
const signatures = rule('integrations.signatures', 'Documents sent for signing', {
  rows: owned(Signature, 'ownerId'),
  deactivated: always(keep),
  deleted: always(keep),
});

/** Readable as soon as somebody else is connected with QuickBooks. */
const invoices = rule('integrations.invoices', 'QuickBooks invoices', {
  rows: owned(Invoice, 'ownerId'),
  deactivated: always(keep),
  deleted: always(keep),
});

/** What happens to the integrations of somebody who leaves, in this order. */
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
