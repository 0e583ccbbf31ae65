import { sql } from 'kysely';
import {
  can,
  disable,
  keep,
  NOW,
  ofAccount,
  only,
  owned,
  rule,
  scoped,
  transfer,
  uninstall,
  type Rule,
} from '#libs/lifecycle';
import { App } from '../app/app.entity.js';
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
  deactivated: can(disable({ active: false }, emptyQueues), transfer),
});

/** What happens to the integrations of somebody who leaves, in this order. */
export const integrationsRules: readonly Rule[] = [apps, sharedApps, webhooks];
