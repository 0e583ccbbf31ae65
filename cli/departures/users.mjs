/** @import { SuccessorChoice, User } from '#libs/contracts' */
/** @import { HttpClient } from '../http-client.mjs' */
import { CommandError, EXIT, usageError } from '../exit-codes.mjs';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const TEAM = /^team:(.+?)(?::(round-robin|fewest-open))?$/;
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
 * `--successor <user>` for everything, `--successor <rule>=<user>` for one rule. Instead of a user: see `successorOf`.
 * @param {HttpClient} api
 * @param {string[]} [words]
 */
export async function successorsIn(api, words = []) {
  if (words.length === 0) return undefined;
  const entries = words.map(async (word) => {
    const [, rule = 'default', successor = word] = RULE.exec(word) ?? [];
    return [rule, await successorOf(api, successor)];
  });
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * `manager`, `team:<name or id>`, with `:fewest-open` at the end if wanted, or a user.
 * @param {HttpClient} api
 * @param {string} word
 * @returns {Promise<SuccessorChoice>}
 */
async function successorOf(api, word) {
  if (word === 'manager') return { manager: true };
  const [, team, by] = TEAM.exec(word) ?? [];
  if (team === undefined) return (await findUser(api, word)).id;
  /** @type {{ id: string, name: string }[]} */
  const teams = await api.all('/v1/teams');
  const wanted = team.toLowerCase();
  const found = teams.find(({ id, name }) => id === wanted || name.toLowerCase() === wanted);
  if (!found) throw new CommandError(EXIT.failed, `No team has the id or name ${team}.`);
  return { teamId: found.id, by: by === 'fewest-open' ? by : 'round-robin' };
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
