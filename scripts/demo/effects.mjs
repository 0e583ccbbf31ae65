import { signIn } from './account.mjs';
import { refusal, until } from './helpers.mjs';

/** What one sees once somebody is deactivated. */
export async function afterDeactivation(story) {
  await signedOut(story);
  await nobodysWorkNow(story);
  await laterMessages(story);
  await othersCarryOn(story);
  await takingTurns(story);
  await kept(story);
  await silent(story);
}

async function signedOut(story) {
  const { checks, api, admin, leaver } = story;
  const old = leaver.api;
  const access = await until('The end of the session', () => refusal(old.get('/v1/me')), Boolean, 1_000);
  checks.same('The access token is refused', access, 'unauthenticated');
  checks.same('The refresh token is dead', await refresh(story), 'unauthenticated');
  checks.same('The API tokens are dead', await askByToken(story), 'unauthenticated');
  checks.same('Signing in says why not, to the right password', await story.signInAgain(), 'account-inactive');
  checks.same('and tells nothing to a wrong one', await story.signInAgain('just guessing'), 'invalid-credentials');
  const { seats } = await admin.get('/v1/account');
  checks.same('The seat is free for somebody else', seats.free, story.accountBefore.seats.free + 1);
  const acceptance = { token: leaver.invitation, password: 'long enough for anybody' };
  const accepted = await refusal(api.post('/v1/invitations/accept', acceptance));
  checks.same('The invitation that was still open can’t be accepted any more', accepted, 'gone');
}

async function nobodysWorkNow({ checks, admin, things, colleagues: [colleague] }) {
  const chats = await Promise.all(things.liveChats.map(({ id }) => admin.get(`/v1/live-chats/${id}`)));
  const queued = chats.every(({ status, operatorId }) => status === 'queued' && operatorId === null);
  checks.that(`All ${chats.length} live chats are back in the queue`, queued, chats);
  const taken = await colleague.api.post(`/v1/live-chats/${chats[0].id}/take`);
  checks.same(`and ${colleague.user.name} takes one`, taken.operatorId, colleague.user.id);
}

async function laterMessages({ checks, admin, things, owner }) {
  const held = await statuses(admin, '/v1/scheduled-messages', things.scheduled);
  checks.same(`The ${held.length} messages scheduled from the own number are held`, [...new Set(held)], ['held']);
  const shared = await statuses(admin, '/v1/scheduled-messages', [things.sharedScheduled]);
  checks.same('while the one from a shared inbox goes out on schedule', shared, ['scheduled']);
  const campaigns = await statuses(admin, '/v1/campaigns', things.campaigns);
  checks.same(`and so do the ${campaigns.length} campaigns`, [...new Set(campaigns)], ['scheduled']);
  const behind = await Promise.all([
    admin.get(`/v1/chatbots/${things.chatbot.id}`),
    admin.get(`/v1/webforms/${things.webform.id}`),
  ]);
  const users = [...new Set(behind.map(({ userId }) => userId))];
  checks.same(`${owner.user.name} stands behind the chatbot and the web form`, users, [owner.user.id]);
}

async function othersCarryOn({ checks, admin, leaver, owner, things, colleagues: [colleague] }) {
  const dashboards = await Promise.all(things.dashboards.map(({ id }) => admin.get(`/v1/dashboards/${id}`)));
  const owners = [...new Set(dashboards.map((dashboard) => dashboard.ownerId))];
  checks.same(`The shared dashboards belong to the first admin, ${owner.user.name}`, owners, [owner.user.id]);
  const offered = (await admin.all('/v1/automations/owners')).map(({ id }) => id);
  checks.that('The owners filter of the automations no longer offers the leaver', !offered.includes(leaver.user.id));
  const run = await admin.post(`/v1/automations/${things.selected.id}/runs`, { userId: leaver.user.id });
  checks.same('A run for the leaver ends at user status validation: terminated', run.status, 'terminated');
  const forColleague = await admin.post(`/v1/automations/${things.selected.id}/runs`, { userId: colleague.user.id });
  checks.same('while one for a colleague goes through: completed', forColleague.status, 'completed');
}

async function takingTurns({ checks, admin, things, leaver, colleagues: [colleague] }) {
  const assignments = `/v1/assignment-rules/${things.rota.id}/assignments`;
  const failed = await admin.post(assignments);
  checks.same(
    'The leaver’s turn of the assignment rule fails, and is recorded',
    [failed.userId, failed.status],
    [leaver.user.id, 'failed'],
  );
  const next = await admin.post(assignments);
  checks.same(`The next turn is ${colleague.user.name}’s`, [next.userId, next.status], [colleague.user.id, 'assigned']);
}

async function kept(story) {
  const { checks, admin, leaver, name, things, colleagues } = story;
  checks.same(`All records are kept, under the name of ${name}`, await recordOwners(story), [name]);
  const [reader] = colleagues;
  const reports = await Promise.all(things.reports.map(({ id }) => refusal(reader.api.get(`/v1/reports/${id}`))));
  checks.that(`The shared reports are closed to ${reader.user.name}`, reports.every(Boolean), reports);
  const invoices = `/v1/invoices?ownerId=${leaver.user.id}`;
  checks.same('The invoices can’t be read', await refusal(admin.get(invoices)), 'forbidden');
  await reader.api.post('/v1/storage-connections', { provider: 'quickbooks' });
  const { items } = await admin.get(invoices);
  checks.same(`until ${reader.user.name} connects QuickBooks`, items.length, story.spec.invoices.length);
}

async function silent({ checks, api, admin, leaver, things }) {
  const pages = await Promise.all(things.publicLinks.map(({ url }) => refusal(api.get(url))));
  checks.that(
    'The public pages answer 404',
    pages.every((code) => code === 'not-found'),
    pages,
  );
  const page = await refusal(api.get(things.schedulerLink.url));
  checks.same('The meeting page answers 410', page, 'gone');
  const syncs = await statuses(admin, '/v1/account-syncs', things.syncs);
  checks.same('Email, contacts, calendar and drive are synchronized no more', [...new Set(syncs)], ['stopped']);
  const apps = await admin.all('/v1/apps');
  const forbidden = apps.filter(({ shared, installedBy }) => shared || installedBy.id === leaver.user.id);
  checks.same(
    `No app of the leaver and no shared app is installed any more; apps of others: ${apps.length}`,
    forbidden,
    [],
  );
  const webhooks = await admin.all(`/v1/webhooks?ownerId=${leaver.user.id}`);
  checks.same(
    `The ${webhooks.length} webhooks are silent`,
    webhooks.filter(({ active }) => active),
    [],
  );
  const { outcome } = await admin.post('/v1/calls/inbound', { to: things.numbers[0].e164, from: '+12125550123' });
  checks.same('The number is kept, and a call to it goes to voicemail', outcome, 'voicemail');
}

/** What one sees when somebody has come back. */
export async function afterReactivation(story) {
  const { checks, leaver, account, api, admin, things } = story;
  const back = await signIn(api, { email: leaver.email, accountId: account.id });
  const me = await back.api.get('/v1/me');
  checks.same('The old password is good again, and the roles are as before', me.roles, leaver.user.roles);
  checks.same('and so are the teams', [...me.teamIds].sort(), [...leaver.user.teamIds].sort());
  // Held messages are looked through every moment, not at the reactivation itself.
  await until(
    'The release of the held messages',
    () => statuses(admin, '/v1/scheduled-messages', things.scheduled),
    (waited) => waited.every((status) => status === 'scheduled'),
  );
  checks.that('The held messages are scheduled again, as their time is still to come', true);
  const own = await back.api.all('/v1/dashboards?ownerId=me&shared=false');
  checks.same('The private dashboards have waited', ids(own), ids(things.privateDashboards));
  checks.same('The meeting page stays closed', await refusal(api.get(things.schedulerLink.url)), 'gone');
  checks.same('The refresh token of then stays dead', await refresh(story), 'unauthenticated');
  checks.same('and so do the API tokens', await askByToken(story), 'unauthenticated');
}

/** What one sees once somebody is deleted. */
export async function afterDeletion(story, successor) {
  const { checks, admin, things, leaver } = story;
  const note = await admin.get(`/v1/internal-notes/${things.notes[0].id}`);
  checks.same(
    `The note “${note.text}” stays, by a “Deleted user”`,
    [note.author.name, note.author.status],
    ['Deleted user', 'deleted'],
  );
  checks.same('and so do the records', await recordOwners(story), ['Deleted user']);
  const user = await admin.get(story.leaverPath);
  checks.same(
    'The person has no name, address or staff id',
    [user.name, user.email, user.staffId],
    ['Deleted user', null, null],
  );
  const assigned = await admin.all(`/v1/contacts?assignee=${successor.user.id}`);
  const before = story.things.contacts.filter(({ assignee }) => assignee?.id === leaver.user.id);
  const moved = before.filter(({ id }) => assigned.some((contact) => contact.id === id));
  checks.same(`${successor.user.name} looks after the ${before.length} contacts`, moved.length, before.length);
  const number = await admin.get(`/v1/numbers/${things.numbers[0].id}`);
  checks.same(
    `${number.e164} waits in quarantine until ${number.releaseAt?.slice(0, 10)}`,
    number.state,
    'quarantined',
  );
  const open = await admin.get(`/v1/conversations/${things.conversations[0].id}`);
  checks.same('The open conversations are assigned to nobody', open.assignee, null);
  await ofTheMessages(story);
  const naming = await admin.get(`/v1/filters/${things.naming.id}`);
  checks.same('A filter that names the leaver says that it matches nobody', naming.matchesNobody, true);
  checks.same('Signing in tells nothing', await story.signInAgain(), 'invalid-credentials');
  const namesake = await story.hireNamesake();
  checks.same('The address and the staff id are free for somebody new', namesake.status, 'invited');
  const audit = await admin.get('/v1/audit/verify');
  checks.that(`The audit trail is complete: ${audit.entries} entries, the hash chain verifies`, audit.valid, audit);
}

async function ofTheMessages({ checks, admin, leaver, things, activityBefore }) {
  const cancelled = await statuses(admin, '/v1/scheduled-messages', things.scheduled);
  checks.same('The messages scheduled from the own number are cancelled', [...new Set(cancelled)], ['cancelled']);
  const campaign = await admin.get(`/v1/campaigns/${things.campaigns[0].id}`);
  checks.same(
    `The campaign “${campaign.name}” is still scheduled, by a “Deleted user”`,
    [campaign.status, campaign.owner.name],
    ['scheduled', 'Deleted user'],
  );
  const { users: before, ...totals } = activityBefore;
  const { users: after, ...now } = await admin.get('/v1/reports/message-activity');
  checks.same(`The team’s totals are as before: ${now.sent} sent, ${now.replied} answered`, now, totals);
  const names = ({ user }) => user.id === leaver.user.id;
  checks.same(
    'and the leaver is no line of the breakdown by person any more',
    [before.some(names), after.some(names)],
    [true, false],
  );
}

const ids = (items) => items.map(({ id }) => id).sort();

const statuses = (api, path, items) =>
  Promise.all(items.map(async ({ id }) => (await api.get(`${path}/${id}`)).status));

/** The names under which the leaver's records are. */
async function recordOwners({ admin, leaver, things }) {
  const records = await admin.all(`/v1/records?ownerId=${leaver.user.id}`);
  const all = Object.values(things.records).flat();
  if (records.length !== all.length) return [`${records.length} of ${all.length} records`];
  return [...new Set(records.map(({ owner }) => owner.name))];
}

const refresh = ({ api, leaver }) => refusal(api.post('/v1/auth/refresh', { refreshToken: leaver.refreshToken }));

const askByToken = ({ api, leaver }) => {
  const robot = api.withToken(leaver.apiToken);
  return refusal(robot.get('/v1/me'));
};
