/** It has no upper-case form of its own: `I` belongs to `i`. */
const DOTLESS_I = '\u0131';
const CHEROKEE = /^[\u13a0-\u13fd\uab70-\uabbf]$/;

/**
 * Folds the case of an identifier (an email address, a user name, a staff id, a name), so that two spellings of it are equal
 * exactly if their folded forms are: canonical caseless matching of Unicode (D145), composed afterwards. The function
 * `fold_case` of the databases does the same; a test compares them for every character. Case is folded in no other way.
 */
export function foldCase(identifier: string): string {
  return Array.from(identifier.normalize('NFD'), foldCharacter).join('').normalize('NFC');
}

/**
 * Unicode's full case folding of one character. By itself, because the lower case of a sigma depends on its neighbours; by way
 * of the upper case, because `ß` and `SS` are equal.
 */
function foldCharacter(character: string): string {
  if (character === DOTLESS_I) return character;
  // Cherokee folds to upper case, because its small letters are younger.
  if (CHEROKEE.test(character)) return character.toUpperCase();
  return character.toLowerCase().toUpperCase().toLowerCase();
}

/** The form in which identifiers are stored: trimmed, and composed (NFC), so that one spelling is one sequence of characters. */
export const canonical = (identifier: string): string => identifier.trim().normalize('NFC');
