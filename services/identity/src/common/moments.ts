import { Problem } from '#libs/contracts';

/** Converts a `timestamptz`, as queries return it, to ISO 8601. */
export const isoOf = (moment: string): string => new Date(moment).toISOString();

export const isoOrNull = (moment: string | null): string | null => (moment === null ? null : isoOf(moment));

/**
 * Converts a time from a client to ISO 8601 in UTC, with milliseconds.
 * @param after milliseconds since 1970
 * @throws Problem `validation` if the time is not later than `after`, cannot be parsed or is outside the years 0 to
 *   9999
 */
export function momentAfter(field: string, text: string, after: number): string {
  const millis = Date.parse(text);
  const iso = Number.isNaN(millis) ? '' : new Date(millis).toISOString();
  const fault = /^\d{4}-/.test(iso)
    ? millis > after
      ? undefined
      : 'must be later'
    : 'must be like 2030-01-31T12:00:00Z';
  if (fault) throw new Problem('validation', { errors: [{ field, message: `${field} ${fault}` }] });
  return iso;
}
