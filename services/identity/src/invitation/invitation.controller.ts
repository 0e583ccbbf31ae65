import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { invitationsAccept, type CallOf, type SignedIn } from '#libs/contracts';
import { InvitationAcceptances } from './invitation-acceptances.js';

@Controller()
export class InvitationController {
  constructor(private readonly acceptances: InvitationAcceptances) {}

  @Handles(invitationsAccept)
  accept({ body, client }: CallOf<typeof invitationsAccept>): Promise<SignedIn> {
    return this.acceptances.accept(body, client);
  }
}
