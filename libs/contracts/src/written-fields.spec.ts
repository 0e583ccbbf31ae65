import { describe, expect, it } from '@jest/globals';
import { fieldsOf, type Class } from './fields/registry.js';
import type { Operation } from './operation.js';
import { ALL_OPERATIONS } from './operations.js';

const SECRET = 'A reader could act with it.';
const INSTRUCTION = 'Says what this one call does.';

/** Fields that a client can set and not read, with the reason. By name, or by operation and name. */
const WRITE_ONLY: Readonly<Record<string, string>> = {
  password: SECRET,
  currentPassword: SECRET,
  token: SECRET,
  refreshToken: SECRET,
  grant: SECRET,
  totp: SECRET,
  recoveryCode: SECRET,
  passkey: SECRET,
  challenge: SECRET,
  accessToken: SECRET,
  clientSecret: SECRET,
  acceptUncounted: INSTRUCTION,
  onlyMyContacts: 'Selects the recipients, which are shown.',
  segmentId: 'Selects the recipients, which are shown.',
  sendAsAssignedUser: 'Selects the inboxes, which are shown.',
  filter: INSTRUCTION,
  'accounts.create owner': 'Shown as the user.',
  'auth.login accountId': 'Says which user signs in.',
  'auth.password-reset.request accountId': 'Says which user gets a mail.',
  'auth.sso.global-logout sub_id': INSTRUCTION,
  'auth.sso.global-logout format': INSTRUCTION,
  'auth.sso.global-logout iss': INSTRUCTION,
  'auth.sso.global-logout sub': INSTRUCTION,
  'auth.session.create accountId': 'Says which user signs in.',
  'calls.inbound contactId': 'Shown at the number, as one of its contacts.',
  'calls.outbound contactId': 'Shown at the number, as one of its contacts.',
  'certificates.verify jws': 'Is verified and not stored.',
  'conversations.bulk-reassign assigneeId': INSTRUCTION,
  'conversations.bulk-reassign to': 'Shown as the assignee of the conversations.',
  'departures.bulk csv': 'Shown as the rows of the bulk departure.',
  'departures.bulk users': 'Shown as the rows of the bulk departure.',
  'me.sso.prove purpose': INSTRUCTION,
  'me.sso.prove returnTo': INSTRUCTION,
  'messages.inbound automatic': 'Keeps automatic answers from being answered.',
  'messages.inbound to': 'Shown as the inbox of the message.',
  'numbers.contacts.add contactIds': 'Shown as the ids of the contacts.',
  'numbers.reassign userId': 'Shown as the owner.',
  'numbers.release moveContactsTo': 'Shown as `movedToId`.',
  'me.passkeys.create credential': 'Shown as the passkey.',
  'me.totp.confirm code': SECRET,
  'users.caretaker.put until': 'Shown as `caretakerUntil`.',
  'users.reassign to': 'Shown in the receipts as `transferredTo`.',
  'users.convert-to-shared-inbox memberIds': 'Shown at the shared inbox that `inboxId` names.',
  'webhooks.rotateSecret keepFormerHours': 'Shown as `formerSecretUntil`.',
};

/** Operations with a body that set nothing. */
const SETS_NOTHING: readonly string[] = ['users.departure-preview.choices'];

/** The names of the fields of a class and of everything nested in it. */
function namesIn(type: Class, seen = new Set<Class>()): string[] {
  if (seen.has(type)) return [];
  seen.add(type);
  return [...fieldsOf(type)].flatMap(([name, { nested }]) => [name, ...(nested ? namesIn(nested(), seen) : [])]);
}

/** `/v1/users` for everything below it. */
const collectionOf = ({ path }: Operation): string => path.split('/').slice(0, 3).join('/');

/** The names of what a client can read about what the operation has set: in its answer and below the same collection. */
function readableAfter(operation: Operation): Set<string> {
  const reads = ALL_OPERATIONS.filter(
    (other) => other.method === 'GET' && collectionOf(other) === collectionOf(operation),
  );
  return new Set([operation, ...reads].flatMap(({ answer }) => (answer ? namesIn(answer) : [])));
}

const written = ALL_OPERATIONS.flatMap((operation) => {
  if (!operation.body || SETS_NOTHING.includes(operation.id)) return [];
  const readable = readableAfter(operation);
  const names = [...new Set(namesIn(operation.body))];
  return names.filter((name) => !readable.has(name)).map((name) => ({ name, place: `${operation.id} ${name}` }));
});

describe('what a client can set', () => {
  it('it can read, except for secrets and instructions', () => {
    const hidden = written.filter(({ name, place }) => !(name in WRITE_ONLY) && !(place in WRITE_ONLY));
    expect(hidden.map(({ place }) => place)).toEqual([]);
  });

  it('is only excepted where it cannot be read', () => {
    const known = new Set(written.flatMap(({ name, place }) => [name, place]));
    expect(Object.keys(WRITE_ONLY).filter((entry) => !known.has(entry))).toEqual([]);
  });
});
