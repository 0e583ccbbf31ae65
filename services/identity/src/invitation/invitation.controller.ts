import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { invitationsAccept, type CallOf, type SignedIn } from '#libs/contracts';
import { Invitations } from './invitations.js';

@Controller()
export class InvitationController {
  constructor(private readonly invitations: Invitations) {}

  @Handles(invitationsAccept)
  accept({ body, client }: CallOf<typeof invitationsAccept>): Promise<SignedIn> {
    return this.invitations.accept(body, client);
  }
}
