import { migration } from './migrate.js';

/**
 * `fold_case(text)`: the case folding of identifiers in SQL, the same as `foldCase` of the contracts. It does not depend on the
 * locale of the database. `lower` does, and must not be used on identifiers.
 */
export const foldCaseFunction = migration(
  '0009-fold-case',
  `create function fold_case(identifier text) returns text language sql immutable strict parallel safe
    return normalize(casefold(normalize(identifier, nfd) collate pg_unicode_fast), nfc)`,
);

/** The directory's copies of names and staff ids, composed (NFC) as identity stores them. */
export const composedDirectory = migration(
  '0010-composed-directory',
  `update directory set name = normalize(name, nfc), staff_id = normalize(staff_id, nfc)
  where name is not nfc normalized or staff_id is not nfc normalized`,
);
