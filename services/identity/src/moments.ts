/** A `timestamptz` as queries give it, in ISO 8601. */
export const isoOf = (moment: string): string => new Date(moment).toISOString();

export const isoOrNull = (moment: string | null): string | null => (moment === null ? null : isoOf(moment));
