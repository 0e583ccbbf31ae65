import { isEmail } from 'class-validator';
import type { RejectedRow } from '#libs/contracts';
import type { Heading } from './heading.js';

const LONGEST = 200;
const LONGEST_EMAIL = 254;
const E164 = /^\+[1-9]\d{6,14}$/;
// PostgreSQL takes no NUL in a text, and nobody wants the others.
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

/** Most addresses look like this. The library takes ten times as long to find them valid; it is asked about the others. */
export const PLAIN_EMAIL = /^(?=[^@]{1,64}@)[\w+-]+(\.[\w+-]+)*@([a-z0-9]{1,63}\.)+[a-z]{2,63}$/i;

/** One contact as the file says. Null empties; undefined leaves what is there. */
export interface ImportedRow {
  row: number;
  externalId: string;
  name?: string | null;
  phone?: string | null;
  email?: string | null;
  /** Null for nobody: left blank, or no such column. */
  staffId: string | null;
}

/** @param row counted from 1, the heading not included */
export function readRow(fields: readonly string[], heading: Heading, row: number): ImportedRow | RejectedRow {
  const rejected = (reason: string): RejectedRow => ({ row, reason });
  if (fields.length !== heading.width) {
    return rejected(`It has ${fields.length} fields, the heading has ${heading.width}.`);
  }
  const value = (index: number | undefined) => (index === undefined ? undefined : fields[index]!.trim() || null);
  const [externalId, name, email] = [value(heading.externalId), value(heading.name), value(heading.email)];
  const phone = withoutPunctuation(value(heading.phone));
  const staffId = value(heading.staffId) ?? null;
  if (!externalId) return rejected('It has no contact id.');
  const values = [externalId, name, phone, email, staffId];
  if (values.some((one) => one && CONTROL.test(one))) return rejected('It holds control characters.');
  if ([externalId, name, staffId].some((one) => one && one.length > LONGEST)) {
    return rejected(`Contact id, name and user id may have at most ${LONGEST} characters.`);
  }
  if (phone && !E164.test(phone)) return rejected('The phone number is not in E.164 format, like +14155550100.');
  if (email && !isAddress(email)) return rejected('The email address is not valid.');
  return { row, externalId, name, phone, email, staffId };
}

const isAddress = (email: string): boolean =>
  email.length <= LONGEST_EMAIL && (PLAIN_EMAIL.test(email) || isEmail(email));

/** As people write numbers, with blanks, brackets, dots and dashes. */
const withoutPunctuation = (phone: string | null | undefined): string | null | undefined =>
  phone && (phone.replace(/[\s().-]/g, '') || null);
