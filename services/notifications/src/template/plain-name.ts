const MAX_LENGTH = 80;
/** Control and format characters, among them line breaks and those that change the direction of writing. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;
/** What addresses of pages and mailboxes have and names do not need. */
const ADDRESS_SIGNS = /[/\\@:<>[\]|]+/g;
/** A dot inside a word, as in `evil.example`. */
const INNER_DOT = /\.(?=\S)/g;

/**
 * A name that people have chosen, as a mail may show it: on one line, without anything that a mail program would turn into a
 * link. `J.R. Smith` becomes `J. R. Smith`, and `http://evil.example` becomes `http evil. example`.
 */
export function plainName(name: string): string {
  const text = name
    .replace(INVISIBLE, ' ')
    .replace(ADDRESS_SIGNS, ' ')
    .replace(INNER_DOT, '. ')
    .replace(/\s+/g, ' ')
    .trim();
  const characters = [...text];
  return characters.length > MAX_LENGTH ? `${characters.slice(0, MAX_LENGTH - 1).join('')}…` : text;
}
