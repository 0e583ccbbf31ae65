import { Problem } from '#libs/contracts';

/**
 * The text without blanks around it.
 * @throws Problem `validation` when nothing is left
 */
export function requireNonBlank(field: string, text: string): string {
  const trimmed = text.trim();
  if (!trimmed) throw new Problem('validation', { errors: [{ field, message: `${field} must not be blank` }] });
  return trimmed;
}
