import { BadFile, Titles } from '#libs/csv';

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
  const columns = new Titles(titles);
  const staffId = userIdField === null ? undefined : columns.find([userIdField]);
  const externalId = columns.find(NAMES.externalId, staffId);
  if (externalId === undefined) throw new BadFile(withoutIds(columns));
  const [name, phone, email] = [NAMES.name, NAMES.phone, NAMES.email].map((names) => columns.find(names, staffId));
  return { width: columns.width, externalId, name, phone, email, staffId };
}

const withoutIds = ({ hasOtherSeparator }: Titles): string =>
  hasOtherSeparator
    ? 'The columns have to be separated by commas.'
    : 'The heading, the first row, has to name a column “ExternalId” (or “ContactId”, or “Id”).';
