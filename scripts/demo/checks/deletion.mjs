/** @import { AuditVerification, Campaign, Contact, Conversation, Filter, InternalNote, InvitedUser } from '#libs/contracts' */
/** @import { MessageActivity, PhoneNumber, User } from '#libs/contracts' */
/** @import { Person } from '../account.mjs' */
/** @import { Scene } from '../story.mjs' */
import { addressOf } from '../account.mjs';
import { readAll, recordOwners, signInAgain, statuses } from './probes.mjs';

/**
 * Checks what a deletion has changed.
 * @param {Scene} scene
 * @param {Person} successor
 */
export async function checkDeletion(scene, successor) {
  await checkNames(scene);
  await checkSuccessor(scene, successor);
  await checkMessages(scene);
  const { checks, admin, content } = scene;
  /** @type {Filter} */
  const filter = await admin.get(`/v1/filters/${content.naming.id}`);
  checks.same('A filter that names the leaver says that it matches nobody', filter.matchesNobody, true);
  checks.same('Sign-in reveals nothing', await signInAgain(scene), 'invalid-credentials');
  const namesake = await hireNamesake(scene);
  checks.same('A new user can have the email address and the staff id', namesake.status, 'invited');
  /** @type {AuditVerification} */
  const audit = await admin.get('/v1/audit/verify');
  checks.that(`The audit trail is complete: ${audit.entries} entries, the hash chain verifies`, audit.valid, audit);
}

/** @param {Scene} scene */
async function checkNames(scene) {
  const { checks, admin, content, leaverPath } = scene;
  /** @type {InternalNote[]} */
  const [note] = await readAll(admin, '/v1/internal-notes', content.notes.slice(0, 1));
  checks.same(
    `The note “${note?.text}” stays, written by “Deleted user”`,
    [note?.author.name, note?.author.status],
    ['Deleted user', 'deleted'],
  );
  checks.same('The records stay, owned by “Deleted user”', await recordOwners(scene), ['Deleted user']);
  /** @type {User} */
  const user = await admin.get(leaverPath);
  checks.same(
    'The user has no name, email address or staff id',
    [user.name, user.email, user.staffId],
    ['Deleted user', null, null],
  );
}

/**
 * @param {Scene} scene
 * @param {Person} successor
 */
async function checkSuccessor({ checks, admin, content, leaver }, successor) {
  /** @type {Contact[]} */
  const contacts = await admin.all(`/v1/contacts?assignee=${successor.user.id}`);
  const assigned = new Set(contacts.map(({ id }) => id));
  const before = content.contacts.filter(({ assignee }) => assignee?.id === leaver.user.id);
  const moved = before.filter(({ id }) => assigned.has(id));
  checks.same(`${successor.user.name} has taken over the ${before.length} contacts`, moved.length, before.length);
  /** @type {PhoneNumber} */
  const { e164, releaseAt, state } = await admin.get(`/v1/numbers/${content.ownNumber.id}`);
  checks.same(`${e164} is in quarantine until ${releaseAt?.slice(0, 10)}`, state, 'quarantined');
  /** @type {Conversation[]} */
  const [open] = await readAll(admin, '/v1/conversations', content.conversations.slice(0, 1));
  checks.same('The open conversations are assigned to nobody', open?.assignee, null);
}

/** @param {Scene} scene */
async function checkMessages({ checks, admin, leaver, content, before }) {
  const cancelled = await statuses(admin, '/v1/scheduled-messages', content.scheduled);
  checks.same('The messages scheduled from the leaver’s number are cancelled', cancelled, ['cancelled']);
  /** @type {Campaign[]} */
  const [campaign] = await readAll(admin, '/v1/campaigns', content.campaigns.slice(0, 1));
  checks.same(
    `The campaign “${campaign?.name}” is still scheduled, owned by “Deleted user”`,
    [campaign?.status, campaign?.owner.name],
    ['scheduled', 'Deleted user'],
  );
  const { users: usersBefore, ...totalsBefore } = before.activity;
  /** @type {MessageActivity} */
  const { users, ...totals } = await admin.get('/v1/reports/message-activity');
  checks.same(`The team’s totals are as before: ${totals.sent} sent, ${totals.replied} answered`, totals, totalsBefore);
  /** @param {MessageActivity['users']} lines */
  const listsLeaver = (lines) => lines.some(({ user }) => user.id === leaver.user.id);
  checks.same(
    'The breakdown by user no longer lists the leaver',
    [listsLeaver(usersBefore), listsLeaver(users)],
    [true, false],
  );
}

/**
 * Invites a user with the leaver's email address and staff id.
 * @param {Scene} scene
 * @returns {Promise<InvitedUser>}
 */
function hireNamesake({ admin, leaver, spec }) {
  const { name, staffId } = leaver.user;
  return admin.post('/v1/users', { name: 'Maya Okafor-Lind', staffId, email: addressOf(name, spec.domain) });
}
