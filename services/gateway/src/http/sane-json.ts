import { Problem } from '#libs/contracts';

/** Maximum nesting depth. No valid body comes near it, and it makes recursion over a body safe. */
const MAX_DEPTH = 64;

/**
 * Rejects JSON that is nested too deeply or that PostgreSQL cannot store: U+0000 and lone surrogates.
 * @throws Problem `invalid-json`
 */
export function checkJson(value: unknown): void {
  const waiting: [value: unknown, level: number][] = [[value, 0]];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [one, level] = next;
    if (typeof one === 'string') checkText(one);
    if (typeof one !== 'object' || one === null) continue;
    if (level === MAX_DEPTH) throw refused(`The body is nested more than ${MAX_DEPTH} levels deep.`);
    for (const [name, inner] of Object.entries(one)) {
      if (!Array.isArray(one)) checkText(name);
      waiting.push([inner, level + 1]);
    }
  }
}

function checkText(text: string): void {
  if (text.includes('\0') || !text.isWellFormed())
    throw refused('The body contains U+0000 or a lone surrogate, which is not valid text.');
}

const refused = (detail: string) => new Problem('invalid-json', { detail });
