import { Email, Id, Ids, Moment, Nested, SomeOf, Text, Url } from '../fields.js';
import { operation } from '../operation.js';
import { MANAGERS, ROLES, type Role } from '../principal.js';
import { Password } from './auth.js';
import { Invitation } from './invitations.js';
import { User } from './user.js';

export class NewUser {
  @Text() name: string;
  @Email() email: string;
  @Text({ about: 'The user’s id in the account’s own systems, unique in the account.' }) staffId: string;
  @SomeOf(ROLES, { optional: true, about: 'Default: `agent`. Only owners can invite owners.' }) roles?: Role[];
  @Ids({ optional: true }) teamIds?: string[];
  @Password({ optional: true, about: 'With a password the user is active at once; without one, invited.' })
  password?: string;
}

/** A user, with the invitation if the call has sent one. */
export class InvitedUser extends User {
  @Nested(() => Invitation, { optional: true }) invitation?: Invitation;
}

export class UserChange {
  @Text({ optional: true }) name?: string;
  @Email({
    optional: true,
    about:
      'Invitations and reset tokens that were sent to the former address end. A user who is still invited gets a new ' +
      'invitation at this one, unless theirs has been revoked. Your own address changes when you confirm it with the ' +
      'token that is mailed to the new one, and needs a recent proof of identity or `currentPassword`.',
  })
  email?: string;
  @Text({ optional: true }) staffId?: string;
  @Url({ optional: true, nullable: true }) avatarUrl?: string | null;
  @SomeOf(ROLES, { optional: true }) roles?: Role[];
  @Ids({ optional: true }) teamIds?: string[];
  @Id({
    optional: true,
    nullable: true,
    about: 'The user whom this user reports to, who can be named as the successor in a departure. Null for none.',
  })
  managerId?: string | null;
  @Password({
    optional: true,
    about: 'Only your own, together with `currentPassword`. Your other sessions and your reset tokens end.',
  })
  password?: string;
  @Text({ optional: true, max: 256 }) currentPassword?: string;
}

export class LegalHold {
  @Text({ max: 1000, about: 'Why the data of this user must be kept.' }) reason: string;
}

export class Caretaker {
  @Id({ about: 'An active user of the account who manages this user’s inbox for now.' }) caretakerId: string;
  @Moment({ optional: true, about: 'Default: until the caretaker is removed.' }) until?: string;
}

const common = { service: 'identity', path: '/v1/users/:id' } as const;

export const usersInvite = operation<InvitedUser, NewUser>({
  ...common,
  id: 'users.invite',
  method: 'POST',
  path: '/v1/users',
  summary: 'Invite a user',
  body: NewUser,
  answer: InvitedUser,
  access: MANAGERS,
  errors: ['forbidden', 'no-free-seat', 'duplicate-email', 'duplicate-staff-id', 'unknown-reference'],
});

export const usersGet = operation<User>({
  ...common,
  id: 'users.get',
  method: 'GET',
  access: 'signed-in',
  summary: 'Read a user',
  answer: User,
  errors: ['not-found'],
});

export const usersUpdate = operation<InvitedUser, UserChange>({
  ...common,
  id: 'users.update',
  method: 'PATCH',
  access: 'record-owner-or-manager',
  summary: 'Change a user; users may change their own name, picture and password',
  body: UserChange,
  answer: InvitedUser,
  rateLimit: 'failed-logins',
  errors: [
    'forbidden',
    'step-up-required',
    'sso-required',
    'not-found',
    'conflict',
    'duplicate-email',
    'duplicate-staff-id',
    'sole-owner',
    'unknown-reference',
    'unknown-user',
    'inactive-user',
  ],
});

export const legalHoldPut = operation<User, LegalHold>({
  ...common,
  id: 'users.legal-hold.put',
  method: 'PUT',
  path: '/v1/users/:id/legal-hold',
  summary: 'Put a user under legal hold: none of their data is destroyed until it is lifted',
  body: LegalHold,
  answer: User,
  access: MANAGERS,
  errors: ['forbidden', 'not-found'],
});

export const legalHoldLift = operation({
  ...common,
  id: 'users.legal-hold.lift',
  method: 'DELETE',
  path: '/v1/users/:id/legal-hold',
  summary: 'Lift a legal hold',
  access: MANAGERS,
  errors: ['forbidden', 'not-found'],
});

export const caretakerPut = operation<User, Caretaker>({
  ...common,
  id: 'users.caretaker.put',
  method: 'PUT',
  path: '/v1/users/:id/caretaker',
  summary: 'Make another user the caretaker of this user’s inbox',
  body: Caretaker,
  answer: User,
  access: MANAGERS,
  errors: ['forbidden', 'not-found', 'conflict', 'unknown-user', 'inactive-user'],
});

export const caretakerEnd = operation({
  ...common,
  id: 'users.caretaker.end',
  method: 'DELETE',
  path: '/v1/users/:id/caretaker',
  summary: 'Remove the caretaker of this user’s inbox',
  access: MANAGERS,
  errors: ['forbidden', 'not-found'],
});
