import { isEmail } from 'class-validator';
import type { RejectedRow } from '#libs/contracts';
import type { Heading } from './heading.js';

const MAX_LENGTH = 200;
const MAX_EMAIL_LENGTH = 254;
const E164 = /^\+[1-9]\d{6,14}$/;
// PostgreSQL accepts no NUL in a text; the other control characters are rejected as mistakes.
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Matches most addresses ten times as fast as the library, which checks the others. */
export const PLAIN_EMAIL = /^(?=[^@]{1,64}@)[\w+-]+(\.[\w+-]+)*@([a-z0-9]{1,63}\.)+[a-z]{2,63}$/i;

/** A contact as it is in the file. Null clears a field; undefined leaves it unchanged. */
export interface ImportedRow {
  row: number;
  externalId: string;
  name?: string | null;
  phone?: string | null;
  email?: string | null;
  /** Null if the value is blank or there is no such column: the contact is assigned to nobody. */
  staffId: string | null;
}

/** @param row counted from 1, the heading not included */
export function readRow(fields: readonly string[], heading: Heading, row: number): ImportedRow | RejectedRow {
  const rejected = (reason: string): RejectedRow => ({ row, reason });
  if (fields.length !== heading.width) {
    return rejected(`The row has ${fields.length} fields, the heading has ${heading.width}.`);
  }
  const value = (index: number | undefined) => (index === undefined ? undefined : fields[index]!.trim() || null);
  const [externalId, name, email] = [value(heading.externalId), value(heading.name), value(heading.email)];
  const phone = withoutPunctuation(value(heading.phone));
  const staffId = value(heading.staffId) ?? null;
  if (!externalId) return rejected('The row has no contact id.');
  const values = [externalId, name, phone, email, staffId];
  if (values.some((one) => one && CONTROL.test(one))) return rejected('The row contains control characters.');
  if ([externalId, name, staffId].some((one) => one && one.length > MAX_LENGTH)) {
    return rejected(`Contact id, name and user id may have at most ${MAX_LENGTH} characters.`);
  }
  if (phone && !E164.test(phone)) return rejected('The phone number is not in E.164 format, like +14155550100.');
  if (email && !isAddress(email)) return rejected('The email address is not valid.');
  return { row, externalId, name, phone, email, staffId };
}

const isAddress = (email: string): boolean =>
  email.length <= MAX_EMAIL_LENGTH && (PLAIN_EMAIL.test(email) || isEmail(email));

/** Removes the blanks, brackets, dots and dashes with which people write phone numbers. */
const withoutPunctuation = (phone: string | null | undefined): string | null | undefined =>
  phone && (phone.replace(/[\s().-]/g, '') || null);
