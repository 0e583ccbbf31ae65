import { Controller } from '@nestjs/common';
import { Handles, Prepares } from '#libs/broker';
import {
  caretakerEnd,
  caretakerPut,
  emailChangeConfirm,
  legalHoldLift,
  legalHoldPut,
  usersGet,
  usersInvite,
  usersUpdate,
  type CallOf,
  type InvitedUser,
  type User,
} from '#libs/contracts';
import { UserQueries } from '../user/user-queries.js';
import { CareService } from './care.service.js';
import { EmailConfirmations } from './email-confirmations.js';
import { UserChanges } from './user-changes.js';
import { UserCreation } from './user-creation.js';

@Controller()
export class UserController {
  constructor(
    private readonly users: UserQueries,
    private readonly creation: UserCreation,
    private readonly changes: UserChanges,
    private readonly confirmations: EmailConfirmations,
    private readonly care: CareService,
  ) {}

  @Prepares(usersInvite)
  prepareInvitation({ body }: CallOf<typeof usersInvite>): Promise<string | undefined> {
    return this.creation.prepare(body.password);
  }

  @Handles(usersInvite)
  invite({ principal, body }: CallOf<typeof usersInvite>, passwordHash: string | undefined): Promise<InvitedUser> {
    return this.creation.invite(principal, body, passwordHash);
  }

  @Handles(usersGet)
  get({ principal, params }: CallOf<typeof usersGet>): Promise<User> {
    return this.users.get(principal, params.id!);
  }

  @Handles(usersUpdate)
  async update({ principal, params, body }: CallOf<typeof usersUpdate>): Promise<InvitedUser> {
    const invitation = await this.changes.apply(principal, params.id!, body);
    const user = await this.users.get(principal, params.id!);
    return invitation ? { ...user, invitation } : user;
  }

  @Handles(emailChangeConfirm, { acrossAccounts: 'A token is looked up before the account is known.' })
  confirmEmail({ body }: CallOf<typeof emailChangeConfirm>): Promise<void> {
    return this.confirmations.confirm(body.token);
  }

  @Handles(legalHoldPut)
  hold({ principal, params, body }: CallOf<typeof legalHoldPut>): Promise<User> {
    return this.care.setLegalHold(principal, params.id!, body.reason);
  }

  @Handles(legalHoldLift)
  lift({ principal, params }: CallOf<typeof legalHoldLift>): Promise<void> {
    return this.care.liftLegalHold(principal, params.id!);
  }

  @Handles(caretakerPut)
  assignCaretaker({ principal, params, body }: CallOf<typeof caretakerPut>): Promise<User> {
    return this.care.assignCaretaker(principal, params.id!, body);
  }

  @Handles(caretakerEnd)
  endCare({ principal, params }: CallOf<typeof caretakerEnd>): Promise<void> {
    return this.care.endCare(principal, params.id!);
  }
}
