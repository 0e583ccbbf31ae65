/** @import { User } from '#libs/contracts' */
/** @import { HttpClient } from '../http-client.mjs' */
import { CommandError, EXIT, usageError } from '../exit-codes.mjs';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const RULE = /^([a-z]+\.[a-z-]+|default)=(.+)$/;

/**
 * Finds a user by id, email or staff id.
 * @param {HttpClient} api
 * @param {string} word
 * @returns {Promise<User>}
 */
export async function findUser(api, word) {
  if (UUID.test(word)) return api.get(`/v1/users/${word}`);
  const query = new URLSearchParams({ status: 'all', q: word });
  /** @type {(value: string | null) => boolean} */
  const same = (value) => value?.toLowerCase() === word.toLowerCase();
  /** @type {User[]} */
  const candidates = await api.all(`/v1/users?${query}`);
  const [user, ...others] = candidates.filter(({ email, staffId }) => same(email) || same(staffId));
  if (!user) throw new CommandError(EXIT.failed, `No user has the id, email or staff id ${word}.`);
  if (others.length === 0) return user;
  const ids = [user, ...others].map(({ id }) => id).join(' or ');
  throw new CommandError(EXIT.failed, `${word} matches ${ids}: use the id of the user.`);
}

/** @param {User} user */
export const nameOf = ({ name, email, staffId }) =>
  `${name}${email ? ` <${email}>` : ''}${staffId ? `, ${staffId}` : ''}`;

/**
 * `--successor <user>` for everything, `--successor <rule>=<user>` for one rule.
 * @param {HttpClient} api
 * @param {string[]} [words]
 */
export async function successorsIn(api, words = []) {
  if (words.length === 0) return undefined;
  const entries = words.map(async (word) => {
    const [, rule = 'default', user = word] = RULE.exec(word) ?? [];
    return [rule, (await findUser(api, user)).id];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * `--override <rule>=<action>`, or `<rule>=delete-after:30` for an action that waits for days.
 * @param {string[]} [words]
 */
export function overridesIn(words = []) {
  if (words.length === 0) return undefined;
  return Object.fromEntries(
    words.map((word) => {
      const [, rule, choice = ''] = RULE.exec(word) ?? [];
      if (!rule) throw usageError(`--override ${word} is not of the form <rule>=<action>.`);
      const [action, days] = choice.split(':');
      if (days === undefined) return [rule, action];
      if (!/^\d+$/.test(days)) throw usageError(`--override ${word}: ${days} is not a number of days.`);
      return [rule, { action, days: Number(days) }];
    }),
  );
}
