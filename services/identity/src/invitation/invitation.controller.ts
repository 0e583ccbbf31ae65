import { Controller } from '@nestjs/common';
import { Handles, Prepares } from '#libs/broker';
import {
  invitationsAccept,
  invitationsGet,
  invitationsList,
  invitationsResend,
  invitationsRevoke,
  type CallOf,
  type Page,
  type ResentInvitation,
  type SentInvitation,
  type SignedIn,
} from '#libs/contracts';
import { InvitationAcceptances } from './invitation-acceptances.js';
import { InvitationChanges } from './invitation-changes.js';
import { SentInvitations } from './sent-invitations.js';

@Controller()
export class InvitationController {
  constructor(
    private readonly acceptances: InvitationAcceptances,
    private readonly changes: InvitationChanges,
    private readonly sent: SentInvitations,
  ) {}

  @Handles(invitationsList)
  list({ principal, query }: CallOf<typeof invitationsList>): Promise<Page<SentInvitation>> {
    return this.sent.page(principal.accountId, query);
  }

  @Handles(invitationsGet)
  get({ principal, params }: CallOf<typeof invitationsGet>): Promise<SentInvitation> {
    return this.sent.view(principal.accountId, params.id!);
  }

  @Handles(invitationsResend)
  resend({ principal, params }: CallOf<typeof invitationsResend>): Promise<ResentInvitation> {
    return this.changes.resend(principal, params.id!);
  }

  @Handles(invitationsRevoke)
  revoke({ principal, params }: CallOf<typeof invitationsRevoke>): Promise<void> {
    return this.changes.revoke(principal, params.id!);
  }

  @Prepares(invitationsAccept)
  prepare({ body }: CallOf<typeof invitationsAccept>): Promise<string> {
    return this.acceptances.prepare(body);
  }

  @Handles(invitationsAccept, { acrossAccounts: 'A token is looked up before the account is known.' })
  accept({ body, client }: CallOf<typeof invitationsAccept>, passwordHash: string): Promise<SignedIn> {
    return this.acceptances.accept(body.token, passwordHash, client);
  }
}
