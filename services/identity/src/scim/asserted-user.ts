import { isEmail } from 'class-validator';
import type { ScimObject } from '#libs/contracts';
import { filter as matcher, parse } from 'scim2-parse-filter';
import { attributesIn, parsePath, schemaKey, type AttributePath } from './attribute-path.js';
import { scimProblem } from './faults.js';
import { patchOf } from './patch.js';
import { flagOf, isObject, partIn, textOf } from './values.js';

const NAME_PARTS = [
  'formatted',
  'familyName',
  'givenName',
  'middleName',
  'honorificPrefix',
  'honorificSuffix',
] as const;
export type NamePart = (typeof NAME_PARTS)[number];

/** What a request says about a user, as far as it is kept here. What it does not speak of is absent; null takes away. */
export interface AssertedUser {
  userName?: string;
  externalId?: string | null;
  displayName?: string | null;
  name?: Partial<Record<NamePart, string | null>>;
  email?: string;
  employeeNumber?: string;
  active?: boolean;
  password?: string;
}

/** @throws Problem `validation` with SCIM's word for what is wrong */
export function readUser(body: ScimObject): AssertedUser {
  const asserted: AssertedUser = {};
  assertAll(asserted, body);
  return asserted;
}

/** What all operations of a PATCH come to, in their order. @throws Problem `validation` */
export function readUserPatch(body: ScimObject): AssertedUser {
  const asserted: AssertedUser = {};
  for (const { op, path, value } of patchOf(body)) {
    if (path === undefined) assertAll(asserted, value as ScimObject);
    else if (schemaKey(path) && isObject(value)) assertAll(asserted, { [path]: value });
    else assert(asserted, parsePath(path), op === 'remove' ? null : value);
  }
  return asserted;
}

function assertAll(asserted: AssertedUser, attributes: ScimObject): void {
  for (const [path, value] of attributesIn(attributes)) assert(asserted, path, value);
}

/** Attributes that are not kept, or that only the server writes, are passed over. */
function assert(asserted: AssertedUser, path: AttributePath, value: unknown): void {
  const write = (path.enterprise ? ENTERPRISE : CORE).get(path.name);
  if (!write) return;
  if (path.filter !== undefined && path.name !== 'emails')
    throw scimProblem('invalidPath', `${path.name} has one value: there is nothing to choose from.`);
  write(asserted, path, value);
}

type Write = (asserted: AssertedUser, path: AttributePath, value: unknown) => void;

const ENTERPRISE = writers({
  employeenumber: (asserted, _path, value) => {
    // Everybody has a staff id, so it is never taken away.
    asserted.employeeNumber = textOf('employeeNumber', value) ?? undefined;
  },
});

const CORE = writers({
  username: (asserted, _path, value) => {
    const userName = textOf('userName', value);
    if (userName === null) throw scimProblem('invalidValue', 'userName is required.');
    asserted.userName = userName;
  },
  externalid: (asserted, _path, value) => {
    asserted.externalId = textOf('externalId', value);
  },
  displayname: (asserted, _path, value) => {
    asserted.displayName = textOf('displayName', value);
  },
  active: (asserted, _path, value) => {
    asserted.active = flagOf('active', value) ?? undefined;
  },
  password: (asserted, _path, value) => {
    asserted.password = textOf('password', value, 256) ?? undefined;
  },
  name: (asserted, { sub }, value) => {
    if (sub === undefined && value !== null && !isObject(value))
      throw scimProblem('invalidValue', 'name must be an object.');
    const given = sub === undefined ? (value ?? {}) : { [sub]: value };
    const parts = Object.entries(given).flatMap(([key, text]) => {
      const part = NAME_PARTS.find((known) => known.toLowerCase() === key.toLowerCase());
      return part ? [[part, textOf(`name.${part}`, text)] as const] : [];
    });
    const cleared = sub === undefined && value === null ? NAME_PARTS.map((part) => [part, null] as const) : [];
    asserted.name = { ...asserted.name, ...Object.fromEntries([...cleared, ...parts]) };
  },
  emails: (asserted, path, value) => {
    const email = emailIn(path, value);
    if (email === undefined) return;
    if (!isEmail(email) || email.length > 254) throw scimProblem('invalidValue', 'emails must hold an email address.');
    asserted.email = email;
  },
});

/** By name, and by no name that every object has. */
function writers(by: Record<string, Write>): ReadonlyMap<string, Write> {
  return new Map(Object.entries(by));
}

/** One address is kept, the one for work. Undefined when the value is about others, or takes it away: everybody has one. */
function emailIn({ filter, sub }: AttributePath, value: unknown): string | undefined {
  if (filter !== undefined && !chooses(filter)) return undefined;
  if (sub !== undefined) return sub === 'value' ? (textOf('emails.value', value) ?? undefined) : undefined;
  const all: ScimObject[] = (Array.isArray(value) ? value : [value]).map((one) =>
    isObject(one) ? one : { value: one as unknown },
  );
  const addresses: Address[] = all.flatMap((one) => {
    const text = textOf('emails.value', partIn(one, 'value'), 254);
    const kind = partIn(one, 'type');
    const type = typeof kind === 'string' ? kind.toLowerCase() : undefined;
    return text === null ? [] : [{ text, type, primary: String(partIn(one, 'primary')).toLowerCase() === 'true' }];
  });
  const best =
    addresses.find(({ primary }) => primary) ??
    addresses.find(({ type }) => type === 'work') ??
    addresses.find(({ type }) => type === undefined);
  return best?.text;
}

interface Address {
  text: string;
  type: string | undefined;
  primary: boolean;
}

/** Whether the filter in the brackets means the one address that is kept. @throws Problem with `invalidPath` */
function chooses(text: string): boolean {
  try {
    return matcher(parse(text))({ type: 'work', primary: true });
  } catch {
    throw scimProblem('invalidPath', 'The filter in the path is not one of RFC 7644.');
  }
}
