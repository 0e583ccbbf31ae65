import { describe, expect, it } from '@jest/globals';
import { ALL_OPERATIONS } from './operations.js';
import type { TokenScope } from './scopes.js';

/**
 * What an API token needs for each operation, listed a second time: a new operation fails here until somebody has decided
 * that the derived scope is right.
 */
const EXPECTED: Record<TokenScope, string> = {
  none: `
    accounts.create auth.email-change.confirm auth.login auth.passkey.options auth.password-reset.confirm auth.password-reset.request
    auth.refresh auth.session.create auth.sso.backchannel-logout auth.sso.callback auth.sso.global-logout auth.sso.lookup auth.sso.start certificates.verify invitations.accept public-links.show scheduler-links.show`,
  session: `
    auth.step-up me.api-tokens.create me.passkeys.create me.passkeys.options me.passkeys.remove me.recovery-codes.create me.sso.prove
    me.totp.confirm me.totp.create me.totp.remove scim-tokens.create sso.put sso.remove users.sign-in-methods.reset users.sso-link.remove`,
  admin: `
    account.update audit.export audit.list audit.verify exports.create exports.download exports.get invitations.resend invitations.revoke policy.put scim-tokens.list
    scim-tokens.revoke sso.domains.verify sso.get teams.create teams.members.add teams.members.remove teams.remove teams.update
    users.api-tokens.list users.api-tokens.revoke users.invite users.update`,
  departures: `
    departures.approve departures.bulk departures.bulk.approve departures.bulk.refuse departures.cancel departures.refuse departures.retry departures.update
    departures.verify users.caretaker.end users.caretaker.put users.convert-to-shared-inbox users.deactivate users.delete users.departure-draft.put
    users.departure-draft.remove users.departure-preview.choices users.legal-hold.lift users.legal-hold.put
    users.reactivate users.reassign users.remove users.resume users.sessions.end users.suspend users.transfer`,
  write: `
    account-syncs.create account-syncs.remove account-syncs.update apps.create apps.remove apps.update assignment-rules.create
    assignment-rules.remove assignment-rules.update assignments.create auth.logout auth.session.end automation-runs.create
    automations.activate automations.create automations.deactivate automations.remove automations.update
    callbacks.create callbacks.remove callbacks.update calls.inbound calls.outbound campaigns.create
    campaigns.remove campaigns.update chatbots.create chatbots.remove chatbots.update comments.create
    comments.remove contact-imports.create contacts.create contacts.remove contacts.update
    conversations.bulk-reassign conversations.create conversations.remove conversations.update csat-responses.create
    csat-responses.remove dashboards.create dashboards.remove dashboards.update document-templates.create document-templates.remove
    document-templates.update document-templates.use documents.create documents.remove documents.update
    email-templates.create email-templates.remove email-templates.update emails.create emails.remove files.create files.remove
    filters.create filters.remove filters.update goals.create goals.remove goals.update import-sources.create
    import-sources.remove import-sources.run import-sources.update inboxes.create inboxes.remove inboxes.update
    insight-filters.create insight-filters.remove insight-filters.update internal-notes.create internal-notes.remove invoices.create
    invoices.remove live-chat-operators.put live-chat-operators.remove live-chats.close live-chats.create
    live-chats.remove live-chats.take live-chats.update me.api-tokens.revoke me.notification-preferences.set me.sessions.end messages.create messages.delivery
    messages.inbound messages.remove notes.create notes.remove numbers.contacts.add numbers.create numbers.reassign
    numbers.release numbers.remove numbers.restore numbers.update public-links.create public-links.remove records.create
    records.remove records.update reports.create reports.remove reports.share reports.update scheduled-messages.create
    scheduled-messages.remove scheduled-messages.update scheduler-links.create scheduler-links.remove scheduler-links.update segments.copy
    segments.create segments.remove segments.update segments.use signatures.create signatures.remove storage-connections.create
    storage-connections.remove storage-connections.update webforms.create webforms.remove webforms.update
    webhooks.create webhooks.remove webhooks.rotateSecret webhooks.test webhooks.update`,
  read: `
    account-syncs.get account-syncs.list account.get apps.get apps.list assignment-rules.get assignment-rules.list
    assignments.get assignments.list auth.session.get automation-runs.get automation-runs.list automations.exclusions automations.get
    automations.list automations.owners callbacks.get callbacks.list calls.get calls.list campaigns.get
    campaigns.list chatbots.get chatbots.list comments.get comments.list contact-imports.get contact-imports.list
    contacts.get contacts.list conversations.get conversations.list csat-responses.get csat-responses.list
    dashboards.get dashboards.list departures.bulk.get departures.certificate departures.events departures.get
    departures.handover departures.list departures.rows departures.verify.get document-templates.get document-templates.list documents.get
    documents.list email-templates.get email-templates.list emails.get emails.list files.get files.list
    filters.contacts filters.get filters.list filters.records goals.get goals.list import-sources.get
    import-sources.list inboxes.conversations inboxes.get inboxes.list insight-filters.get insight-filters.list
    internal-notes.get internal-notes.list invitations.get invitations.list invoices.get invoices.list
    live-chat-operators.list live-chats.get live-chats.list me.api-tokens.list me.get me.notification-preferences.get me.passkeys.list me.sessions.list me.totp.get
    message-activity.export message-activity.report messages.get messages.list notes.get notes.list
    numbers.contacts.list numbers.get numbers.list policy.get public-links.get public-links.list records.get
    records.list reports.get reports.list rules.list scheduled-messages.get scheduled-messages.list
    scheduler-links.get scheduler-links.list segments.get segments.list signatures.get signatures.list
    storage-connections.get storage-connections.list teams.get teams.list users.departure-draft.get users.departure-preview users.departure-preview.rows
    users.get
    users.count users.list users.overview webforms.get webforms.list webhooks.get webhooks.list`,
};

describe('the scope of an API token', () => {
  it.each(Object.entries(EXPECTED))('`%s` is needed by exactly the listed operations', (scope, ids) => {
    const actual = ALL_OPERATIONS.filter((operation) => operation.scope === scope).map(({ id }) => id);
    expect(actual.sort()).toEqual(ids.trim().split(/\s+/).sort());
  });
});
