/** @import { Campaign, CrmRecord, ScheduledMessage } from '#libs/contracts' */
/** @import { HttpClient } from '../../../cli/http-client.mjs' */
/** @import { Scene } from '../story.mjs' */
import { DEMO_PASSWORD, signIn } from '../account.mjs';
import { refusal } from '../helpers.mjs';

/**
 * Reads items again.
 * @template {{ id: string }} T
 * @param {HttpClient} api
 * @param {string} path of the collection
 * @param {T[]} items
 * @returns {Promise<T[]>}
 */
export const readAll = (api, path, items) => Promise.all(items.map(({ id }) => api.get(`${path}/${id}`)));

/**
 * The distinct current statuses of these items.
 * @param {HttpClient} api
 * @param {string} path of the collection
 * @param {(ScheduledMessage | Campaign)[]} items
 */
export async function statuses(api, path, items) {
  const found = await readAll(api, path, items);
  return [...new Set(found.map(({ status }) => status))];
}

/**
 * The names of the owners of the leaver's records.
 * @param {Scene} scene
 */
export async function recordOwners({ admin, leaver, content }) {
  /** @type {CrmRecord[]} */
  const records = await admin.all(`/v1/records?ownerId=${leaver.user.id}`);
  if (records.length !== content.records.length) return [`${records.length} of ${content.records.length} records`];
  return [...new Set(records.map(({ owner }) => owner?.name))];
}

/** @param {Scene} scene */
export const refresh = ({ anonymous, leaver }) =>
  refusal(anonymous.post('/v1/auth/refresh', { refreshToken: leaver.refreshToken }));

/** @param {Scene} scene */
export const useApiToken = ({ anonymous, leaver }) => refusal(anonymous.withToken(leaver.apiToken).get('/v1/me'));

/**
 * Signs in as the leaver.
 * @param {Scene} scene
 * @param {string} [password]
 */
export const signInAgain = ({ anonymous, leaver, account }, password = DEMO_PASSWORD) =>
  refusal(signIn(anonymous, { email: leaver.email, accountId: account.id, password }));
