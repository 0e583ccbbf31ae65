import { Email, Id, Moment, Nested, OneOf, Text } from '../fields.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Page } from '../operation.js';
import { MANAGERS } from '../principal.js';
import { Password, SignedIn } from './auth.js';

const INVITATION_STATUSES = ['open', 'expired', 'revoked'] as const;
type InvitationStatus = (typeof INVITATION_STATUSES)[number];
const INVITATION_FILTERS = [...INVITATION_STATUSES, 'all'] as const;

const ABOUT_TOKEN =
  'For `POST /v1/invitations/accept`, in development only (`INVITATION_TOKENS=answer`). Otherwise only the mail has a token.';

/** An invitation as the call that sends it answers with it. */
export class Invitation {
  @Text({ optional: true, about: ABOUT_TOKEN }) token?: string;
  @Moment() expiresAt: string;
}

/** The latest invitation of a user who has not accepted one yet. */
export class SentInvitation {
  @Id() id: string;
  @Nested(() => UserView, { about: 'The invited user.' }) user: UserView;
  @Email({ about: 'The address of the invited user.' }) email: string;
  @Nested(() => UserView, { nullable: true, about: 'The user who sent it. Null if a program of the account did.' })
  invitedBy: UserView | null;
  @OneOf(INVITATION_STATUSES, {
    about:
      '`open` until `expiresAt`. `revoked` if a manager has revoked it, or its sender has left. Each can be sent again.',
  })
  status: InvitationStatus;
  @Moment() createdAt: string;
  @Moment() expiresAt: string;
}

/** An invitation that was sent again. */
export class ResentInvitation extends SentInvitation {
  @Text({ optional: true, about: ABOUT_TOKEN }) token?: string;
}

export class InvitationQuery extends ListQuery {
  @OneOf(INVITATION_FILTERS, { optional: true, about: 'Default: `open`.' })
  status?: (typeof INVITATION_FILTERS)[number];
}

export class InvitationAcceptance {
  @Text() token: string;
  @Password() password: string;
}

const managed = { service: 'identity', access: MANAGERS } as const;

export const invitationsList = operation<Page<SentInvitation>, NoBody, InvitationQuery>({
  ...managed,
  id: 'invitations.list',
  method: 'GET',
  path: '/v1/invitations',
  summary: 'List the invitations of users who have not accepted one yet, newest first',
  query: InvitationQuery,
  answer: pageOf(SentInvitation),
});

export const invitationsGet = operation<SentInvitation>({
  ...managed,
  id: 'invitations.get',
  method: 'GET',
  path: '/v1/invitations/:id',
  summary: 'Read an invitation',
  answer: SentInvitation,
  errors: ['not-found', 'gone'],
});

export const invitationsResend = operation<ResentInvitation>({
  ...managed,
  id: 'invitations.resend',
  method: 'POST',
  path: '/v1/invitations/:id/resend',
  summary: 'Send an invitation again, with a new token; the former one ends',
  answer: ResentInvitation,
  location: '/v1/invitations/:id',
  rateLimit: 'invitations',
  errors: ['forbidden', 'not-found', 'gone', 'no-free-seat'],
});

export const invitationsRevoke = operation({
  ...managed,
  id: 'invitations.revoke',
  method: 'DELETE',
  path: '/v1/invitations/:id',
  summary: 'Revoke an invitation and free the seat of the invited user',
  errors: ['forbidden', 'not-found', 'gone'],
});

export const invitationsAccept = operation<SignedIn, InvitationAcceptance>({
  service: 'identity',
  id: 'invitations.accept',
  method: 'POST',
  path: '/v1/invitations/accept',
  summary: 'Accept an invitation by setting a password',
  body: InvitationAcceptance,
  answer: SignedIn,
  status: 200,
  access: 'public',
  rateLimit: 'failed-tokens',
  errors: ['not-found', 'gone', 'sso-required'],
});
