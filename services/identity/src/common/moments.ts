import { Problem } from '#libs/contracts';

/** A `timestamptz` as queries give it, in ISO 8601. */
export const isoOf = (moment: string): string => new Date(moment).toISOString();

export const isoOrNull = (moment: string | null): string | null => (moment === null ? null : isoOf(moment));

/**
 * A moment that a client has named, in the one form that every part of the system reads.
 * @param after milliseconds since 1970
 * @throws Problem `validation` when it is not later than that, or is written in one of ISO 8601's rarer ways
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
