/** @import { Account, CreatedApiToken, InvitedUser, OpenedAccount, SignedIn, Team, Tokens, User } from '#libs/contracts' */
/** @import { HttpClient } from '../../cli/http-client.mjs' */
/** @import { AccountSpec, PersonSpec } from './accounts.mjs' */
/** @import { Content } from './contents.mjs' */
import { randomUUID } from 'node:crypto';
import { fillAccount } from './contents.mjs';
import { daysFromNow, mapConcurrently } from './helpers.mjs';

/** @typedef {{ user: User, email: string, api: HttpClient & { token: string } }} Person */
/** @typedef {Person & { refreshToken: string }} Colleague */
/** @typedef {Colleague & { apiToken: string, invitation?: string }} Leaver `invitation` is the token of one they have sent, if answers hold tokens */

/**
 * The people of a demo account.
 * @typedef {object} People
 * @property {AccountSpec} spec
 * @property {Person} owner
 * @property {Leaver} leaver
 * @property {[Colleague, Colleague, ...Colleague[]]} colleagues
 */

/** @typedef {People & { account: Account, content: Content }} DemoAccount */

export const DEMO_PASSWORD = 'leaver-demo-2026';

const DEVICE = 'Office laptop (Firefox)';
const OTHER_DEVICES = ['Phone (app)', 'Tablet at home (Safari)'];

/**
 * `Tomás Rivera` at `harborpine.example.com`: `tomas.rivera@harborpine.example.com`.
 * @param {string} name
 * @param {string} domain
 */
export function addressOf(name, domain) {
  const plain = name
    .replaceAll('ı', 'i')
    .normalize('NFD')
    .replace(/[^\p{L}\p{N} ]/gu, '')
    .toLowerCase();
  return `${plain.trim().replaceAll(/ +/g, '.')}@${domain}`;
}

/**
 * Opens an account whose users are signed in and have rows for every rule. The owner gets the password of the demo last: an
 * account that was left incomplete is never taken for a complete one.
 * @param {HttpClient} api without a token
 * @param {AccountSpec} spec
 * @param {(name: string) => void} [onProgress]
 * @returns {Promise<DemoAccount>}
 */
export async function openAccount(api, spec, onProgress = () => undefined) {
  const ownerEmail = addressOf(spec.owner.name, spec.domain);
  const firstPassword = randomUUID();
  /** @type {OpenedAccount} */
  const opened = await api.post('/v1/accounts', {
    name: spec.name,
    preset: spec.preset,
    owner: { ...spec.owner, email: ownerEmail, password: firstPassword },
  });
  const { account } = opened;
  const owner = { user: opened.user, email: ownerEmail, api: api.withToken(opened.accessToken) };
  /** @type {Team[]} */
  const teams = await mapConcurrently(spec.teams, (name) => owner.api.post('/v1/teams', { name }));
  /** @param {PersonSpec} person */
  const hire = async (person) => {
    const hired = await addUser(owner, person, spec.domain, teams, account.id);
    onProgress(person.name);
    return hired;
  };
  const [first, second, third, ...others] = spec.people;
  const future = await formerOwner(owner, await hire({ ...first, roles: ['owner'] }), first.roles);
  /** @type {People['colleagues']} */
  const colleagues = [await hire(second), await hire(third)];
  for (const person of others) colleagues.push(await hire(person));
  const leaver = await prepareLeaver(owner, future, colleagues, spec, account.id);
  const people = { spec, owner, leaver, colleagues };
  const content = await fillAccount(people);
  const password = { password: DEMO_PASSWORD, currentPassword: firstPassword };
  owner.user = await owner.api.patch(`/v1/users/${opened.user.id}`, password);
  return { ...people, account, content };
}

/**
 * @param {Person} owner
 * @param {PersonSpec} person
 * @param {string} domain
 * @param {Team[]} teams
 * @param {string} accountId
 * @returns {Promise<Colleague>}
 */
async function addUser(owner, { name, staffId, roles = ['agent'], teams: indexes }, domain, teams, accountId) {
  const email = addressOf(name, domain);
  const teamIds = teams.filter((_, index) => indexes.includes(index)).map(({ id }) => id);
  /** @type {User} */
  const user = await owner.api.post('/v1/users', { name, staffId, email, password: DEMO_PASSWORD, roles, teamIds });
  return { user, email, ...(await signIn(owner.api, { email, accountId })) };
}

/**
 * An owner who has created a SCIM token and is none any more. Their session continues with the new roles.
 * @param {Person} owner
 * @param {Colleague} person
 * @param {PersonSpec['roles']} roles
 * @returns {Promise<Colleague>}
 */
async function formerOwner(owner, person, roles = ['agent']) {
  await person.api.post('/v1/account/scim-tokens', { name: 'Directory' });
  /** @type {User} */
  const user = await owner.api.patch(`/v1/users/${person.user.id}`, { roles });
  /** @type {Tokens} */
  const { accessToken, refreshToken } = await person.api
    .withToken(undefined)
    .post('/v1/auth/refresh', { refreshToken: person.refreshToken });
  return { ...person, user, api: person.api.withToken(accessToken), refreshToken };
}

/**
 * Opens a session.
 * @param {HttpClient} api
 * @param {{ email: string, accountId: string, password?: string }} user
 * @param {string} [device]
 */
export async function signIn(api, { email, accountId, password = DEMO_PASSWORD }, device = DEVICE) {
  const login = api.withToken(undefined).withUserAgent(device);
  /** @type {SignedIn} */
  const { accessToken, refreshToken } = await login.post('/v1/auth/login', { email, password, accountId });
  return { api: api.withToken(accessToken), refreshToken };
}

/**
 * Gives the leaver what identity stores: more sessions, API tokens, an open invitation, a scheduled departure
 * of a colleague, and caretakers in both directions.
 * @param {Person} owner
 * @param {Colleague} person
 * @param {People['colleagues']} colleagues
 * @param {AccountSpec} spec
 * @param {string} accountId
 * @returns {Promise<Leaver>}
 */
async function prepareLeaver(owner, person, colleagues, { invited, domain }, accountId) {
  const { api, user, email } = person;
  const absent = (colleagues.at(-1) ?? colleagues[0]).user;
  const temporary = (colleagues.at(-2) ?? colleagues[0]).user;
  /** @param {string} name @returns {Promise<CreatedApiToken>} */
  const createToken = (name) => api.post('/v1/me/api-tokens', { name, scopes: ['read'] });
  /** @type {Promise<InvitedUser>} */
  const invite = api.post('/v1/users', { ...invited, email: addressOf(invited.name, domain) });
  const [{ invitation }, apiToken] = await Promise.all([
    invite,
    createToken('Nightly export'),
    createToken('Spreadsheet add-in'),
    api.post(`/v1/users/${temporary.id}/deactivate`, { effectiveAt: daysFromNow(90) }),
    owner.api.put(`/v1/users/${absent.id}/caretaker`, { caretakerId: user.id }),
    owner.api.put(`/v1/users/${user.id}/caretaker`, { caretakerId: absent.id }),
    ...OTHER_DEVICES.map((device) => signIn(owner.api, { email, accountId }, device)),
  ]);
  if (!invitation) throw new Error(`${invited.name} got no invitation.`);
  return { ...person, apiToken: apiToken.token, invitation: invitation.token };
}
