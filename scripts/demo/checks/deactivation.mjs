/** @import { Account, AccountSync, App, Assignment, AutomationRun, Chatbot, Dashboard, Invoice, Page } from '#libs/contracts' */
/** @import { LiveChat, RoutedCall, User, UserView, Webform, Webhook } from '#libs/contracts' */
/** @import { Person } from '../account.mjs' */
/** @import { Scene } from '../story.mjs' */
import { refusal, until } from '../helpers.mjs';
import { readAll, recordOwners, refresh, signInAgain, statuses, useApiToken } from './probes.mjs';

/**
 * Checks what a deactivation has changed.
 * @param {Scene} scene
 */
export async function checkDeactivation(scene) {
  await checkSignIn(scene);
  await checkLiveChats(scene);
  await checkScheduled(scene);
  await checkTransfers(scene);
  await checkAutomations(scene);
  await checkTurns(scene);
  await checkKept(scene);
  await checkAccess(scene);
  await checkDisabled(scene);
}

/** @param {Scene} scene */
async function checkSignIn(scene) {
  const { checks, anonymous, admin, leaver, before } = scene;
  const access = await until('The end of the session', () => refusal(leaver.api.get('/v1/me')), Boolean, 1_000);
  checks.same('The access token is refused', access, 'unauthenticated');
  checks.same('The refresh token is refused', await refresh(scene), 'unauthenticated');
  checks.same('The API tokens are refused', await useApiToken(scene), 'unauthenticated');
  checks.same('Sign-in with the right password says why it is refused', await signInAgain(scene), 'account-inactive');
  const wrong = await signInAgain(scene, 'just guessing');
  checks.same('Sign-in with a wrong password reveals nothing', wrong, 'invalid-credentials');
  /** @type {Account} */
  const { seats } = await admin.get('/v1/account');
  checks.same('The seat is free', seats.free, before.account.seats.free + 1);
  /** @type {{ items: { invitedBy: { id: string } | null }[] }} */
  const { items } = await admin.get('/v1/invitations?status=revoked');
  const isRevoked = items.some(({ invitedBy }) => invitedBy?.id === leaver.user.id);
  checks.that('The leaver’s open invitation is revoked', isRevoked, items);
  if (!leaver.invitation) return;
  const acceptance = { token: leaver.invitation, password: 'long enough for anybody' };
  const accepted = await refusal(anonymous.post('/v1/invitations/accept', acceptance));
  checks.same('The leaver’s open invitation can no longer be accepted', accepted, 'gone');
}

/** @param {Scene} scene */
async function checkLiveChats({ checks, admin, content, colleagues: [colleague] }) {
  /** @type {LiveChat[]} */
  const chats = await readAll(admin, '/v1/live-chats', content.liveChats);
  const queued = chats.every(({ status, operatorId }) => status === 'queued' && operatorId === null);
  checks.that(`All ${chats.length} live chats are back in the queue`, queued, chats);
  /** @type {LiveChat} */
  const taken = await colleague.api.post(`/v1/live-chats/${chats[0]?.id}/take`);
  checks.same(`${colleague.user.name} can take one`, taken.operatorId, colleague.user.id);
}

/** @param {Scene} scene */
async function checkScheduled({ checks, admin, content }) {
  const held = await statuses(admin, '/v1/scheduled-messages', content.scheduled);
  const { length } = content.scheduled;
  checks.same(`The ${length} messages scheduled from the leaver’s number are held`, held, ['held']);
  const shared = await statuses(admin, '/v1/scheduled-messages', [content.sharedScheduled]);
  checks.same('The message scheduled from a shared inbox stays scheduled', shared, ['scheduled']);
  const campaigns = await statuses(admin, '/v1/campaigns', content.campaigns);
  checks.same(`The ${content.campaigns.length} campaigns stay scheduled`, campaigns, ['scheduled']);
}

/** @param {Scene} scene */
async function checkTransfers({ checks, admin, owner, content }) {
  /** @type {Chatbot} */
  const chatbot = await admin.get(`/v1/chatbots/${content.chatbot.id}`);
  /** @type {Webform} */
  const webform = await admin.get(`/v1/webforms/${content.webform.id}`);
  const users = [...new Set([chatbot.userId, webform.userId])];
  checks.same(`The chatbot and the web form run as ${owner.user.name}`, users, [owner.user.id]);
  /** @type {Dashboard[]} */
  const dashboards = await readAll(admin, '/v1/dashboards', content.dashboards);
  const owners = [...new Set(dashboards.map(({ ownerId }) => ownerId))];
  checks.same(`The shared dashboards belong to the first admin, ${owner.user.name}`, owners, [owner.user.id]);
}

/** @param {Scene} scene */
async function checkAutomations({ checks, admin, leaver, content, colleagues: [colleague] }) {
  /** @type {UserView[]} */
  const owners = await admin.all('/v1/automations/owners');
  const offered = owners.some(({ id }) => id === leaver.user.id);
  checks.that('The owner filter of the automations no longer offers the leaver', !offered);
  /** @param {Person} person @returns {Promise<AutomationRun>} */
  const runFor = ({ user }) => admin.post(`/v1/automations/${content.selected.id}/runs`, { userId: user.id });
  checks.same('A run for the leaver is terminated', (await runFor(leaver)).status, 'terminated');
  checks.same('A run for a colleague completes', (await runFor(colleague)).status, 'completed');
}

/** @param {Scene} scene */
async function checkTurns({ checks, admin, content, leaver, colleagues: [colleague] }) {
  /** @returns {Promise<Assignment>} */
  const assign = () => admin.post(`/v1/assignment-rules/${content.rota.id}/assignments`);
  const failed = await assign();
  checks.same(
    'The leaver’s turn of the assignment rule fails and is recorded',
    [failed.userId, failed.status],
    [leaver.user.id, 'failed'],
  );
  const next = await assign();
  checks.same(
    `The next turn goes to ${colleague.user.name}`,
    [next.userId, next.status],
    [colleague.user.id, 'assigned'],
  );
}

/** @param {Scene} scene */
async function checkKept(scene) {
  const { checks, admin, leaver, content, spec, colleagues } = scene;
  const { name } = leaver.user;
  checks.same(`All records are kept, under the name ${name}`, await recordOwners(scene), [name]);
  const [reader] = colleagues;
  const reports = await Promise.all(content.reports.map(({ id }) => refusal(reader.api.get(`/v1/reports/${id}`))));
  checks.that(`${reader.user.name} can no longer read the shared reports`, reports.every(Boolean), reports);
  const invoices = `/v1/invoices?ownerId=${leaver.user.id}`;
  checks.same('The invoices cannot be read', await refusal(admin.get(invoices)), 'forbidden');
  await reader.api.post('/v1/storage-connections', { provider: 'quickbooks' });
  /** @type {Page<Invoice>} */
  const { items } = await admin.get(invoices);
  checks.same(`They can once ${reader.user.name} has connected QuickBooks`, items.length, spec.invoices.length);
}

/** @param {Scene} scene */
async function checkAccess({ checks, anonymous, admin, leaver, content }) {
  const pages = await Promise.all(content.publicLinks.map(({ url }) => refusal(anonymous.get(url))));
  checks.same('The public pages answer 404', [...new Set(pages)], ['not-found']);
  checks.same('The meeting page answers 410', await refusal(anonymous.get(content.schedulerLink.url)), 'gone');
  /** @type {RoutedCall} */
  const { outcome, user } = await admin.post('/v1/calls/inbound', { to: content.ownNumber.e164, from: '+12125550123' });
  /** @type {User} */
  const { caretakerId } = await admin.get(`/v1/users/${leaver.user.id}`);
  const answered = [outcome, user?.id ?? null];
  checks.same('The number is kept, and a call to it goes to the caretaker', answered, ['routed', caretakerId]);
}

/** @param {Scene} scene */
async function checkDisabled({ checks, admin, leaver, content }) {
  /** @type {AccountSync[]} */
  const syncs = await readAll(admin, '/v1/account-syncs', content.syncs);
  const states = [...new Set(syncs.map(({ status }) => status))];
  checks.same('Email, contacts, calendar and drive are no longer synchronized', states, ['stopped']);
  /** @type {App[]} */
  const apps = await admin.all('/v1/apps');
  const forbidden = apps.filter(({ shared, installedBy }) => shared || installedBy.id === leaver.user.id);
  checks.same(
    `No app of the leaver and no shared app is installed any more; apps of others: ${apps.length}`,
    forbidden,
    [],
  );
  /** @type {Webhook[]} */
  const webhooks = await admin.all(`/v1/webhooks?ownerId=${leaver.user.id}`);
  const active = webhooks.filter((webhook) => webhook.active);
  checks.same(`The ${webhooks.length} webhooks are disabled`, active, []);
}
