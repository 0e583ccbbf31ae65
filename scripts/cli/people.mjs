import { Ending, EXIT, usageFault } from './ending.mjs';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const RULE = /^([a-z]+\.[a-z-]+|default)=(.+)$/;

/** Somebody by id, email or staff id. */
export async function personBy(api, word) {
  if (UUID.test(word)) return api.get(`/v1/users/${word}`);
  const query = new URLSearchParams({ status: 'all', q: word });
  const same = (value) => value?.toLowerCase() === word.toLowerCase();
  const found = (await api.all(`/v1/users?${query}`)).filter(({ email, staffId }) => same(email) || same(staffId));
  if (found.length === 1) return found[0];
  if (found.length === 0) throw new Ending(EXIT.failed, `There is nobody with the id, email or staff id ${word}.`);
  throw new Ending(EXIT.failed, `${word} could be ${found.map(({ id }) => id).join(' or ')}: name one by id.`);
}

export const nameOf = ({ name, email, staffId }) =>
  `${name}${email ? ` <${email}>` : ''}${staffId ? `, ${staffId}` : ''}`;

/** `--successor <user>` for everything, `--successor <rule>=<user>` for one rule. */
export async function successorsIn(api, words = []) {
  if (words.length === 0) return undefined;
  const named = words.map((word) => RULE.exec(word)?.slice(1) ?? ['default', word]);
  const people = await Promise.all(named.map(([, word]) => personBy(api, word)));
  return Object.fromEntries(named.map(([rule], index) => [rule, people[index].id]));
}

/** `--override <rule>=<action>`; `<rule>=delete-after:30` for one that waits for days. */
export function overridesIn(words = []) {
  if (words.length === 0) return undefined;
  return Object.fromEntries(
    words.map((word) => {
      const [, rule, chosen] = RULE.exec(word) ?? [];
      if (!rule) throw usageFault(`--override ${word} is not of the form <rule>=<action>.`);
      const [action, days] = chosen.split(':');
      return [rule, days === undefined ? action : { action, days: Number(days) }];
    }),
  );
}
