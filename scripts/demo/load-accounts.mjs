// Four accounts to try Leaver with, one for each preset, created through the API as any client would.
/** @import { Page, SignedIn, User } from '#libs/contracts' */
import { HttpClient, HttpError } from '../../cli/http-client.mjs';
import { addressOf, DEMO_PASSWORD, openAccount } from './account.mjs';
import { demoAccounts } from './accounts.mjs';

/**
 * How the owner of a demo account signs in. `leaver` is the user with the most data, unless they have left.
 * @typedef {object} DemoLogin
 * @property {string} preset
 * @property {string} account
 * @property {string} email
 * @property {string} password
 * @property {{ id: string, name: string }} [leaver]
 */

/**
 * How the owners of the demo accounts sign in, whether or not the accounts exist yet.
 * @returns {DemoLogin[]}
 */
export const demoLogins = () =>
  demoAccounts.map(({ preset, name, domain, owner }) => {
    return { preset, account: name, email: addressOf(owner.name, domain), password: DEMO_PASSWORD };
  });

/**
 * Creates the demo accounts that do not exist.
 * @param {object} options
 * @param {string} options.url the gateway's address
 * @param {(text: string) => void} options.onProgress
 * @returns {Promise<DemoLogin[]>}
 */
export async function loadDemoAccounts({ url, onProgress }) {
  const api = new HttpClient(url);
  return Promise.all(
    demoAccounts.map(async (spec) => {
      const email = addressOf(spec.owner.name, spec.domain);
      const login = { preset: spec.preset, account: spec.name, email, password: DEMO_PASSWORD };
      const { exists, owner } = await findAccount(api, email);
      if (exists) return { ...login, leaver: owner && (await findUser(owner, spec.people[0].name)) };
      const { leaver } = await openAccount(api, spec, (name) => onProgress(`${spec.name}, ${name}`));
      return { ...login, leaver: { id: leaver.user.id, name: leaver.user.name } };
    }),
  );
}

/**
 * @param {HttpClient} api
 * @param {string} email
 * @returns {Promise<{ exists: boolean, owner?: HttpClient }>} without `owner` if the owner cannot sign in
 */
async function findAccount(api, email) {
  try {
    /** @type {SignedIn} */
    const { accessToken } = await api.post('/v1/auth/login', { email, password: DEMO_PASSWORD });
    return { exists: true, owner: api.withToken(accessToken) };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    if (error.code === 'invalid-credentials') return { exists: false };
    // Several accounts have a user with this address, or the owner has been deactivated.
    if (error.code === 'validation' || error.code === 'account-inactive') return { exists: true };
    throw error;
  }
}

/**
 * @param {HttpClient} owner
 * @param {string} name
 */
async function findUser(owner, name) {
  /** @type {Page<User>} */
  const { items } = await owner.get(`/v1/users?${new URLSearchParams({ q: name })}`);
  return items[0] && { id: items[0].id, name: items[0].name };
}
