/** @import { Account, Departure, DeparturePreview, MessageActivity, StartedVerification, User } from '#libs/contracts' */
/** @import { UserOverview, Verification } from '#libs/contracts' */
/** @import { HttpClient } from '../../cli/http-client.mjs' */
/** @import { DemoAccount } from './account.mjs' */
/** @import { AccountSpec } from './accounts.mjs' */
/** @import { Checks } from './terminal.mjs' */
import { openAccount } from './account.mjs';
import { checkDeactivation } from './checks/deactivation.mjs';
import { checkDeletion } from './checks/deletion.mjs';
import { checkReactivation } from './checks/reactivation.mjs';
import { refusal, until } from './helpers.mjs';
import { chapter, paragraph, print } from './terminal.mjs';
import { compareCounts, showOverview, showPeople, showPreview, showProgress, showReceipts } from './views.mjs';

/**
 * An account in which the demo happens. `anonymous` has no token, `admin` is the owner; `before` was read before anything
 * happened.
 * @typedef {DemoAccount & {
 *   checks: Checks,
 *   anonymous: HttpClient,
 *   admin: HttpClient,
 *   leaverPath: string,
 *   before: { account: Account, activity: MessageActivity },
 * }} Scene
 */

/**
 * A user leaves a company created for it, comes back, and leaves for good. Every statement is checked.
 * @param {HttpClient} api without a token
 * @param {AccountSpec} spec
 * @param {Checks} checks
 */
export async function tellStory(api, spec, checks) {
  const scene = await openCompany(api, spec, checks);
  await checkGuards(scene);
  const sentence = 'An admin reads this before confirming.';
  const deactivation = await leave(scene, 'deactivated', 'The preview', sentence);
  await verify(scene, deactivation);
  chapter('What has changed', 'Read from the services as any client would.');
  await checkDeactivation(scene);
  await comeBack(scene);
  await leaveForGood(scene);
}

/**
 * @param {HttpClient} api
 * @param {AccountSpec} spec
 * @param {Checks} checks
 * @returns {Promise<Scene>}
 */
async function openCompany(api, spec, checks) {
  chapter('A company', `${spec.name}, preset ${spec.preset}, is created for this run.`);
  const begun = performance.now();
  const opened = await openAccount(api, spec);
  const { owner, leaver } = opened;
  const admin = owner.api;
  const leaverPath = `/v1/users/${leaver.user.id}`;
  /** @type {Account} */
  const account = await admin.get('/v1/account');
  /** @type {MessageActivity} */
  const activity = await admin.get('/v1/reports/message-activity');
  /** @type {User[]} */
  const users = await admin.all('/v1/users');
  showPeople(users.reverse(), { [owner.user.id]: 'the first admin', [leaver.user.id]: 'is about to leave' });
  print();
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  paragraph(`Created with ${seconds} seconds of API calls. What belongs to ${leaver.user.name}:`);
  print();
  /** @type {UserOverview} */
  const overview = await admin.get(`${leaverPath}/overview`);
  showOverview(overview);
  return { ...opened, checks, anonymous: api, admin, leaverPath, before: { account, activity } };
}

/** @param {Scene} scene */
async function checkGuards({ checks, admin, owner, colleagues, leaverPath }) {
  chapter('What is refused', 'A refused request changes nothing and says why.');
  const soleOwner = await refusal(admin.post(`/v1/users/${owner.user.id}/deactivate`));
  checks.same('The last owner cannot leave: sole-owner', soleOwner, 'sole-owner');
  const tooEarly = await refusal(admin.post(`${leaverPath}/delete`));
  checks.same('In this preset an active user cannot be deleted: not-deactivated', tooEarly, 'not-deactivated');
  const agent = colleagues.at(-1)?.api ?? colleagues[0].api;
  const byAgent = await refusal(agent.post(`${leaverPath}/deactivate`));
  checks.same('An agent cannot deactivate other users: forbidden', byAgent, 'forbidden');
}

/**
 * Preview, confirmation, live progress, receipts.
 * @param {Scene} scene
 * @param {'deactivated' | 'deleted'} transition
 * @param {string} title
 * @param {string} sentence
 * @param {object} [request]
 */
async function leave({ checks, admin, leaver, owner, colleagues, leaverPath }, transition, title, sentence, request) {
  chapter(`${title}: ${leaver.user.name} is to be ${transition}`, sentence);
  const verb = transition === 'deleted' ? 'delete' : 'deactivate';
  /** @type {DeparturePreview} */
  const preview = await admin.get(`${leaverPath}/departure-preview?transition=${transition}`);
  showPreview(preview, { brief: transition === 'deleted' });
  chapter(
    'Confirmed',
    `POST ${verb} with the preview’s planToken: it would be refused if anything had changed since the preview.`,
  );
  /** @type {Departure} */
  const begun = await admin.post(`${leaverPath}/${verb}`, { ...request, planToken: preview.planToken });
  const departure = await showProgress(admin, begun);
  chapter('The receipts', 'What every rule has done, in every service.');
  const names = new Map([owner, leaver, ...colleagues].map(({ user }) => [user.id, user.name]));
  showReceipts(departure, (userId) => names.get(userId) ?? userId);
  checks.same('The departure is completed', departure.status, 'completed');
  return { preview, departure };
}

/**
 * @param {Scene} scene
 * @param {{ preview: DeparturePreview, departure: Departure }} left
 */
async function verify({ checks, admin }, { preview, departure }) {
  const { compared, differences } = compareCounts(preview, departure);
  checks.same(`The receipts equal the preview: all ${compared} counts are the same`, differences, []);
  const rules = departure.services.flatMap((service) => service.rules);
  const left = rules.filter(({ remaining }) => remaining !== 0).map(({ rule, remaining }) => ({ rule, remaining }));
  checks.same(`Counted again by the ${departure.services.length} services: 0 rows remain for every rule`, left, []);
  /** @type {StartedVerification} */
  const { id } = await admin.post('/v1/departures/verify');
  /** @type {() => Promise<Verification>} */
  const read = () => admin.get(`/v1/departures/verify/${id}`);
  const { checked, broken } = await until('The verification', read, ({ status }) => status === 'completed');
  checks.same(`POST /v1/departures/verify checks every user who has left (${checked}) and finds nothing`, broken, []);
}

/** @param {Scene} scene */
async function comeBack(scene) {
  const { checks, admin, leaver, leaverPath } = scene;
  chapter(`${leaver.user.name} comes back`, 'A reactivation restores what was held; what was ended stays ended.');
  /** @type {Departure} */
  const begun = await admin.post(`${leaverPath}/reactivate`);
  const departure = await showProgress(admin, begun);
  print();
  checks.same('The reactivation is completed', departure.status, 'completed');
  await checkReactivation(scene);
}

/** @param {Scene} scene */
async function leaveForGood(scene) {
  const { admin, leaver, leaverPath, colleagues } = scene;
  chapter(`${leaver.user.name} leaves for good`, 'A deletion needs a deactivation first.');
  /** @type {Departure} */
  const again = await admin.post(`${leaverPath}/deactivate`, { reason: 'New job' });
  await showProgress(admin, again);
  const [successor] = colleagues;
  const sentence = `${successor.user.name} takes over the contacts.`;
  const successors = { 'contacts.assignments': successor.user.id };
  const deletion = await leave(scene, 'deleted', 'The deletion', sentence, { successors });
  await verify(scene, deletion);
  chapter('What remains of a person', 'The work stays, the name does not.');
  await checkDeletion(scene, successor);
}
