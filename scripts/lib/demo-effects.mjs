import { signIn } from './demo-account.mjs';
import { until } from './demo-api.mjs';

/** What one sees once somebody is deactivated. */
export async function afterDeactivation(story) {
  await signedOut(story);
  await nobodysWorkNow(story);
  await othersCarryOn(story);
  await silent(story);
}

async function signedOut(story) {
  const { checks, api, admin, leaver } = story;
  const old = leaver.api;
  const access = await until('The end of the session', () => old.refusal(old.get('/v1/me')), Boolean, 1_000);
  checks.same('The access token is refused', access, 'unauthenticated');
  checks.same('The refresh token is dead', await refresh(story), 'unauthenticated');
  checks.same('The API tokens are dead', await askByToken(story), 'unauthenticated');
  checks.same('Signing in says why not, to the right password', await story.signInAgain(), 'account-inactive');
  checks.same('and tells nothing to a wrong one', await story.signInAgain('just guessing'), 'invalid-credentials');
  const { seats } = await admin.get('/v1/account');
  checks.same('The seat is free for somebody else', seats.free, story.accountBefore.seats.free + 1);
  const acceptance = { token: leaver.invitation, password: 'long enough for anybody' };
  const accepted = await api.refusal(api.post('/v1/invitations/accept', acceptance));
  checks.same('The invitation that was still open can’t be accepted any more', accepted, 'gone');
}

async function nobodysWorkNow({ checks, admin, things, colleagues: [colleague] }) {
  const chats = await Promise.all(things.liveChats.map(({ id }) => admin.get(`/v1/live-chats/${id}`)));
  const queued = chats.every(({ status, operatorId }) => status === 'queued' && operatorId === null);
  checks.that(`All ${chats.length} live chats are back in the queue`, queued, chats);
  const taken = await colleague.api.post(`/v1/live-chats/${chats[0].id}/take`);
  checks.same(`and ${colleague.user.name} takes one`, taken.operatorId, colleague.user.id);
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

async function silent({ checks, api, admin, leaver, things }) {
  const pages = await Promise.all(things.publicLinks.map(({ url }) => api.refusal(api.get(url))));
  checks.that(
    'The public pages answer 404',
    pages.every((code) => code === 'not-found'),
    pages,
  );
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
  const { checks, leaver, account, api } = story;
  const back = await signIn(api, { email: leaver.email, accountId: account.id });
  const me = await back.api.get('/v1/me');
  checks.same('The old password is good again, and the roles are as before', me.roles, leaver.user.roles);
  checks.same('and so are the teams', [...me.teamIds].sort(), [...leaver.user.teamIds].sort());
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
  checks.same('Signing in tells nothing', await story.signInAgain(), 'invalid-credentials');
  const namesake = await story.hireNamesake();
  checks.same('The address and the staff id are free for somebody new', namesake.status, 'invited');
  const audit = await admin.get('/v1/audit/verify');
  checks.that(`The audit trail is complete: ${audit.entries} entries, the hash chain verifies`, audit.valid, audit);
}

const refresh = ({ api, leaver }) => api.refusal(api.post('/v1/auth/refresh', { refreshToken: leaver.refreshToken }));

const askByToken = ({ api, leaver }) => {
  const robot = api.as(leaver.apiToken);
  return robot.refusal(robot.get('/v1/me'));
};
