import { Problem } from '#libs/contracts';

/**
 * Returns the trimmed text.
 * @throws Problem `validation` if it is empty
 */
export function requireNonBlank(field: string, text: string): string {
  const trimmed = text.trim();
  if (!trimmed) throw new Problem('validation', { errors: [{ field, message: `${field} must not be blank` }] });
  return trimmed;
}
