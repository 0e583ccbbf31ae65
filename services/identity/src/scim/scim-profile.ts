import { isEmail } from 'class-validator';
import type { AssertedUser, NamePart } from './asserted-user.js';
import { scimProblem } from './faults.js';

export type NameParts = Partial<Record<NamePart, string>>;

/** What an identity provider may change of a user, beside whether they are active. */
export interface ScimProfile {
  userName: string;
  email: string;
  /** As shown everywhere. */
  displayName: string;
  name: NameParts;
  externalId: string | null;
  staffId: string;
}

/** Of somebody new. @throws Problem `validation` with `invalidValue` for somebody without a user name or an email */
export function newProfile(asserted: AssertedUser): ScimProfile {
  const { userName, externalId = null } = asserted;
  if (userName === undefined) throw scimProblem('invalidValue', 'userName is required.');
  const email = asserted.email ?? userName;
  if (!isEmail(email)) throw scimProblem('invalidValue', 'Give an email address, in emails or as userName.');
  const name = partsAfter({}, asserted);
  const displayName = asserted.displayName ?? fullName(name) ?? userName;
  return {
    userName,
    email,
    name: withoutTheObvious(name, displayName),
    displayName,
    externalId,
    staffId: asserted.employeeNumber ?? externalId ?? userName,
  };
}

/**
 * The profile when all that is asserted holds.
 * @param whole whether the request describes the whole user, so that the name has no other parts than it says
 */
export function profileAfter(before: ScimProfile, asserted: AssertedUser, whole: boolean): ScimProfile {
  const userName = asserted.userName ?? before.userName;
  const name = partsAfter(whole ? {} : before.name, asserted);
  const displayName = displayNameAfter(before, name, asserted, whole);
  return {
    userName,
    email: asserted.email ?? (alongWith(before, userName) ? userName : before.email),
    name: withoutTheObvious(name, displayName),
    displayName,
    externalId: asserted.externalId === undefined ? before.externalId : asserted.externalId,
    staffId: asserted.employeeNumber ?? before.staffId,
  };
}

/** An email that has been the user name goes on to be it. */
const alongWith = ({ userName, email }: ScimProfile, next: string): boolean =>
  userName.toLowerCase() === email.toLowerCase() && isEmail(next);

function partsAfter(before: NameParts, { name = {} }: AssertedUser): NameParts {
  const composed = name.formatted === undefined && (name.givenName !== undefined || name.familyName !== undefined);
  const parts = { ...before, ...(composed && { formatted: null }), ...name };
  return Object.fromEntries(Object.entries(parts).filter(([, text]) => text !== null));
}

/** A name made of its parts follows them; one that was given by itself stays. */
function displayNameAfter(before: ScimProfile, name: NameParts, asserted: AssertedUser, whole: boolean): string {
  if (typeof asserted.displayName === 'string') return asserted.displayName;
  const { formatted, givenName, familyName } = asserted.name ?? {};
  const complete = typeof formatted === 'string' || (typeof givenName === 'string' && typeof familyName === 'string');
  const partless = fullName(before.name) === undefined && complete;
  const follows = whole || partless || asserted.displayName === null || before.displayName === fullName(before.name);
  return (follows ? fullName(name) : undefined) ?? before.displayName;
}

/** What is shown in its place anyhow, when it is not kept. */
function withoutTheObvious({ formatted, ...parts }: NameParts, displayName: string): NameParts {
  const obvious = fullName(parts) ?? displayName;
  return formatted === undefined || formatted === obvious ? parts : { formatted, ...parts };
}

/** Of somebody of whose name no provider has said anything: the first word is taken for the given name. */
export function partsGuessed(displayName: string): NameParts {
  const [, givenName, familyName] = /^([^ ]+) +([^ ].*)$/.exec(displayName) ?? [];
  return givenName && familyName ? { givenName, familyName } : {};
}

/** Undefined when no part says anything. */
export function fullName({ formatted, givenName, familyName }: NameParts): string | undefined {
  return formatted ?? ([givenName, familyName].filter(Boolean).join(' ') || undefined);
}
