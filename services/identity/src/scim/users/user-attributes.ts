import { isEmail } from 'class-validator';
import type { ScimObject } from '#libs/contracts';
import {
  attributeKey,
  attributeOf,
  attributesIn,
  attributesOf,
  booleanValue,
  isObject,
  parentKey,
  SCIM_ENTERPRISE_USER,
  scimProblem,
  selectValues,
  stringValue,
  USER_TYPE,
  type PatchOperation,
  type PatchPath,
} from '#libs/scim';

const NAME_PARTS = [
  'formatted',
  'familyName',
  'givenName',
  'middleName',
  'honorificPrefix',
  'honorificSuffix',
] as const;
export type NamePart = (typeof NAME_PARTS)[number];

/** Characters of a `$ref`. */
const MAX_REFERENCE = 500;

const EMAIL = attributesOf(USER_TYPE).find(({ name }) => name === 'emails')!.subAttributes!;

/** The stored attributes that a request assigns. Null unassigns an attribute. */
export interface UserAttributes {
  userName?: string;
  externalId?: string | null;
  displayName?: string | null;
  name?: Partial<Record<NamePart, string | null>>;
  email?: string;
  employeeNumber?: string;
  /** What identifies the manager: the id, or a name that the provider uses for them. */
  manager?: string | null;
  active?: boolean;
  password?: string;
}

/** @throws Problem `validation` with a `scimType` */
export function readUser(body: ScimObject): UserAttributes {
  const attributes: UserAttributes = {};
  for (const { path, value } of attributesIn(body)) assign(attributes, { op: 'add', path, value }, attributes.email);
  return attributes;
}

/**
 * Ignores attributes that are not stored or are read-only.
 * @param email the user's address before this operation
 * @throws Problem `validation` with a `scimType`
 */
export function assign(attributes: UserAttributes, operation: PatchOperation, email: string | undefined): void {
  const { op, path } = operation;
  const value = op === 'remove' ? null : operation.value;
  const complex = COMPLEX_SETTERS.get(parentKey(path));
  const setter = complex ?? SETTERS.get(attributeKey(path));
  if (!setter) return;
  if (path.filter && complex !== setEmail)
    throw scimProblem('invalidPath', `${path.name} has a single value, so its path takes no filter.`);
  // The stored address is shown with this type, as the primary one.
  const selected = path.filter && selectValues(operation, [{ value: email, type: 'work', primary: true }], EMAIL);
  if (selected?.length !== 0) setter(attributes, path, value);
}

/** One spelling is one sequence of characters, as in the rest of the API. Blanks stay, because providers compare what is shown. */
const composed = <T extends string | null>(text: T): T => (text?.normalize('NFC') ?? null) as T;

type Setter = (attributes: UserAttributes, path: PatchPath, value: unknown) => void;

const SETTERS = setters({
  [`${SCIM_ENTERPRISE_USER.toLowerCase()}.employeenumber`]: (attributes, _path, value) => {
    // Every user has a staff id, so it cannot be unassigned.
    attributes.employeeNumber = composed(stringValue('employeeNumber', value)) ?? undefined;
  },
  username: (attributes, _path, value) => {
    const userName = composed(stringValue('userName', value));
    if (userName === null) throw scimProblem('invalidValue', 'userName is required.');
    attributes.userName = userName;
  },
  externalid: (attributes, _path, value) => {
    attributes.externalId = stringValue('externalId', value);
  },
  displayname: (attributes, _path, value) => {
    attributes.displayName = composed(stringValue('displayName', value));
  },
  active: (attributes, _path, value) => {
    attributes.active = booleanValue('active', value) ?? undefined;
  },
  password: (attributes, _path, value) => {
    attributes.password = stringValue('password', value, 256) ?? undefined;
  },
});

const setName: Setter = (attributes, { subAttribute }, value) => {
  if (subAttribute === undefined && value !== null && !isObject(value))
    throw scimProblem('invalidValue', 'name must be an object.');
  const given = subAttribute === undefined ? (value ?? {}) : { [subAttribute]: value };
  const parts = Object.entries(given).flatMap(([key, text]) => {
    const part = NAME_PARTS.find((known) => known.toLowerCase() === key.toLowerCase());
    return part ? [[part, composed(stringValue(`name.${part}`, text))] as const] : [];
  });
  const unassigned =
    subAttribute === undefined && value === null ? NAME_PARTS.map((part) => [part, null] as const) : [];
  attributes.name = { ...attributes.name, ...Object.fromEntries([...unassigned, ...parts]) };
};

const setEmail: Setter = (attributes, path, value) => {
  const email = emailIn(path, value);
  if (email === undefined) return;
  if (!isEmail(email) || email.length > 254) throw scimProblem('invalidValue', 'emails must contain an email address.');
  attributes.email = composed(email);
};

/** The manager is the same with another name, so only `value` and `$ref` count. */
const setManager: Setter = (attributes, { subAttribute }, value) => {
  if (subAttribute !== undefined) {
    if (subAttribute === 'value' || subAttribute === '$ref') attributes.manager = idIn('manager', value);
    return;
  }
  const manager: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
  if (!isObject(manager) || Object.keys(manager).length === 0) {
    attributes.manager = isObject(manager) ? null : stringValue('manager', manager);
    return;
  }
  const named = attributeOf(manager, 'value') ?? attributeOf(manager, '$ref');
  if (named !== undefined) attributes.manager = idIn('manager', named);
};

/** The last part of a URL, or the value itself. */
const idIn = (name: string, value: unknown): string | null =>
  stringValue(name, value, MAX_REFERENCE)?.replace(/^.*\/Users\//i, '') ?? null;

/** Attributes that also take a path with a sub-attribute. */
const COMPLEX_SETTERS = setters({
  name: setName,
  emails: setEmail,
  [`${SCIM_ENTERPRISE_USER.toLowerCase()}.manager`]: setManager,
});

/** A map, so that a path like `constructor` finds nothing. */
function setters(byName: Record<string, Setter>): ReadonlyMap<string, Setter> {
  return new Map(Object.entries(byName));
}

/**
 * The new address; undefined if the value is about other addresses or removes it, because every user has exactly one.
 */
function emailIn({ filter, subAttribute }: PatchPath, value: unknown): string | undefined {
  if (subAttribute !== undefined)
    return subAttribute === 'value' ? (stringValue('emails.value', value) ?? undefined) : undefined;
  const emails = (Array.isArray(value) ? value : [value]).flatMap(parseEmail);
  const kept =
    emails.find(({ primary }) => primary) ??
    emails.find(({ type }) => type === 'work') ??
    emails.find(({ type }) => type === undefined) ??
    // The value replaces the address that the filter has selected, whatever its type.
    (filter && emails[0]);
  return kept?.value;
}

interface Email {
  value: string;
  type: string | undefined;
  primary: boolean;
}

function parseEmail(given: unknown): Email[] {
  const email: ScimObject = isObject(given) ? given : { value: given };
  const value = stringValue('emails.value', attributeOf(email, 'value'), 254);
  if (value === null) return [];
  const type = attributeOf(email, 'type');
  const primary = String(attributeOf(email, 'primary')).toLowerCase() === 'true';
  return [{ value, type: typeof type === 'string' ? type.toLowerCase() : undefined, primary }];
}
