import { isEmail } from 'class-validator';
import { lengthOf, type RejectedRow } from '#libs/contracts';
import { readCells, type Cell } from '#libs/csv';
import type { Heading } from './heading.js';

const MAX_LENGTH = 200;
const MAX_EMAIL_LENGTH = 254;
const E164 = /^\+[1-9]\d{6,14}$/;

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
  const { width } = heading;
  const cells = readCells(fields, width, [
    heading.externalId,
    heading.name,
    heading.phone,
    heading.email,
    heading.staffId,
  ]);
  if (typeof cells === 'string') return rejected(cells);
  const [externalId, name, given, email, staffId = null] = cells;
  const phone = withoutPunctuation(given);
  if (!externalId) return rejected('The row has no contact id.');
  if ([externalId, name, staffId].some((one) => one && isLonger(one, MAX_LENGTH))) {
    return rejected(`Contact id, name and user id may have at most ${MAX_LENGTH} characters.`);
  }
  if (phone && !E164.test(phone)) return rejected('The phone number is not in E.164 format, like +14155550100.');
  if (email && !isAddress(email)) return rejected('The email address is not valid.');
  return { row, externalId, name, phone, email, staffId };
}

/** Characters count as in the rest of the API: an emoji counts once. */
const isLonger = (text: string, max: number): boolean => text.length > max && lengthOf(text) > max;

const isAddress = (email: string): boolean =>
  !isLonger(email, MAX_EMAIL_LENGTH) && (PLAIN_EMAIL.test(email) || isEmail(email));

/** Removes the blanks, brackets, dots and dashes with which people write phone numbers. */
const withoutPunctuation = (phone: Cell): Cell => phone && (phone.replace(/[\s().-]/g, '') || null);
