import { Problem } from '#libs/contracts';

/** How deep a body may be nested. Nothing of ours comes near it, and whoever walks through it may do so recursively. */
const MOST_LEVELS = 64;

/**
 * Lets through only what can be worked with and kept: PostgreSQL holds neither U+0000 nor half of a surrogate pair.
 * @throws Problem `invalid-json`
 */
export function checkJson(value: unknown): void {
  const waiting: [value: unknown, level: number][] = [[value, 0]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [one, level] = next;
    if (typeof one === 'string') checkText(one);
    if (typeof one !== 'object' || one === null) continue;
    if (level === MOST_LEVELS) throw refused(`It is nested more than ${MOST_LEVELS} levels deep.`);
    for (const [name, inner] of Object.entries(one)) {
      if (!Array.isArray(one)) checkText(name);
      waiting.push([inner, level + 1]);
    }
  }
}

function checkText(text: string): void {
  if (text.includes('\0') || !text.isWellFormed())
    throw refused('It holds U+0000 or half of a surrogate pair, which is no text.');
}

const refused = (detail: string) => new Problem('invalid-json', { detail });
