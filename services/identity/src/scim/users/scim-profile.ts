import { isEmail } from 'class-validator';
import { foldCase } from '#libs/contracts';
import { scimProblem } from '#libs/scim';
import type { NamePart, UserAttributes } from './user-attributes.js';

export type NameParts = Partial<Record<NamePart, string>>;

/** The part of a user that an identity provider can change, without `active`. */
export interface ScimProfile {
  userName: string;
  email: string;
  /** The name that is shown everywhere. */
  displayName: string;
  name: NameParts;
  externalId: string | null;
  staffId: string;
  /** The id of the manager; in a profile after a request, what the provider calls them. */
  manager: string | null;
}

/**
 * The profile of a new user.
 * @throws Problem `validation` with `invalidValue` if the user name or the email is missing
 */
export function newProfile(attributes: UserAttributes): ScimProfile {
  const { userName, externalId = null } = attributes;
  if (userName === undefined) throw scimProblem('invalidValue', 'userName is required.');
  const email = attributes.email ?? userName;
  if (!isEmail(email)) throw scimProblem('invalidValue', 'Give an email address, in emails or as userName.');
  const name = partsAfter({}, attributes);
  const displayName = attributes.displayName ?? fullName(name) ?? userName;
  return {
    userName,
    email,
    name: withoutDerivedFormatted(name, displayName),
    displayName,
    externalId,
    staffId: attributes.employeeNumber ?? externalId ?? userName,
    manager: attributes.manager ?? null,
  };
}

/**
 * The profile with the attributes of a request.
 * @param whole whether the request describes the whole user, so that name parts which it leaves out are unassigned
 */
export function profileAfter(before: ScimProfile, attributes: UserAttributes, whole: boolean): ScimProfile {
  const userName = attributes.userName ?? before.userName;
  const name = partsAfter(whole ? {} : before.name, attributes);
  const displayName = displayNameAfter(before, name, attributes, whole);
  return {
    userName,
    email: attributes.email ?? (emailFollows(before, userName) ? userName : before.email),
    name: withoutDerivedFormatted(name, displayName),
    displayName,
    externalId: attributes.externalId === undefined ? before.externalId : attributes.externalId,
    staffId: attributes.employeeNumber ?? before.staffId,
    manager: attributes.manager === undefined ? before.manager : attributes.manager,
  };
}

/** An email that was the user name changes with it. */
const emailFollows = ({ userName, email }: ScimProfile, next: string): boolean =>
  foldCase(userName) === foldCase(email) && isEmail(next);

function partsAfter(before: NameParts, { name = {} }: UserAttributes): NameParts {
  const composed = name.formatted === undefined && (name.givenName !== undefined || name.familyName !== undefined);
  const parts = { ...before, ...(composed && { formatted: null }), ...name };
  return Object.fromEntries(Object.entries(parts).filter(([, text]) => text !== null));
}

/** A display name that was composed of name parts changes with them. An explicit one stays. */
function displayNameAfter(before: ScimProfile, name: NameParts, attributes: UserAttributes, whole: boolean): string {
  if (typeof attributes.displayName === 'string') return attributes.displayName;
  const { formatted, givenName, familyName } = attributes.name ?? {};
  const complete = typeof formatted === 'string' || (typeof givenName === 'string' && typeof familyName === 'string');
  const partless = fullName(before.name) === undefined && complete;
  const follows = whole || partless || attributes.displayName === null || before.displayName === fullName(before.name);
  return (follows ? fullName(name) : undefined) ?? before.displayName;
}

/** Omits `formatted` if it equals the name that is shown without it. */
function withoutDerivedFormatted({ formatted, ...parts }: NameParts, displayName: string): NameParts {
  const derived = fullName(parts) ?? displayName;
  return formatted === undefined || formatted === derived ? parts : { formatted, ...parts };
}

/** The name parts of a user whose name no provider has set: the first word is the given name. */
export function splitName(displayName: string): NameParts {
  const [, givenName, familyName] = /^([^ ]+) +([^ ].*)$/.exec(displayName) ?? [];
  return givenName && familyName ? { givenName, familyName } : {};
}

/** Undefined without formatted, given and family name. */
export function fullName({ formatted, givenName, familyName }: NameParts): string | undefined {
  return formatted ?? ([givenName, familyName].filter(Boolean).join(' ') || undefined);
}
