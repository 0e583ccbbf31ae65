import { BadFile } from './bad-file.js';

/** Accepted column names; the first one that occurs is used. Case, blanks, `_` and `-` are ignored. */
const NAMES = {
  externalId: ['externalid', 'contactid', 'id'],
  name: ['name', 'fullname', 'contactname'],
  phone: ['phone', 'phonenumber', 'mobile', 'mobilephone', 'cellphone'],
  email: ['email', 'emailaddress'],
} as const;

export const DEFAULT_USER_ID_FIELD = 'StaffId';

/** The index of each column; undefined if the file does not have it. */
export interface Heading {
  width: number;
  externalId: number;
  name?: number;
  phone?: number;
  email?: number;
  staffId?: number;
}

/**
 * @param userIdField name of the column that holds the assignee's staff id; null for none
 * @throws BadFile if no column holds the contacts' ids, or if the name of a used column occurs twice
 */
export function readHeading(titles: readonly string[], userIdField: string | null): Heading {
  const plain = titles.map(plainTitle);
  const staffId = userIdField === null ? undefined : position(plain, [plainTitle(userIdField)]);
  const rest = plain.map((title, index) => (index === staffId ? '' : title));
  const externalId = position(rest, NAMES.externalId);
  if (externalId === undefined) throw new BadFile(withoutIds(titles));
  const [name, phone, email] = [NAMES.name, NAMES.phone, NAMES.email].map((names) => position(rest, names));
  return { width: titles.length, externalId, name, phone, email, staffId };
}

function position(titles: readonly string[], names: readonly string[]): number | undefined {
  const found = names.find((name) => name !== '' && titles.includes(name));
  if (found === undefined) return undefined;
  const index = titles.indexOf(found);
  if (titles.includes(found, index + 1)) throw new BadFile(`Two columns of the heading are called “${found}”.`);
  return index;
}

function withoutIds(titles: readonly string[]): string {
  const otherSeparator = titles.length === 1 && /[;\t|]/.test(titles[0]!);
  return otherSeparator
    ? 'The columns have to be separated by commas.'
    : 'The heading, the first row, has to name a column “ExternalId” (or “ContactId”, or “Id”).';
}

const plainTitle = (title: string): string => title.toLowerCase().replace(/[\s_-]/g, '');
