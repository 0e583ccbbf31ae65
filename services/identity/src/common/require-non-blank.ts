import { canonical, Problem } from '#libs/contracts';

/**
 * Returns the text in the form in which it is stored: trimmed and composed.
 * @throws Problem `validation` if it is empty
 */
export function requireNonBlank(field: string, text: string): string {
  const stored = canonical(text);
  if (!stored) throw new Problem('validation', { errors: [{ field, message: `${field} must not be blank` }] });
  return stored;
}
