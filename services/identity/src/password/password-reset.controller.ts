import { Controller } from '@nestjs/common';
import { Handles, Prepares } from '#libs/broker';
import { passwordResetConfirm, passwordResetRequest, type CallOf } from '#libs/contracts';
import { PasswordResetConfirmations } from './password-reset-confirmations.js';
import { PasswordResets } from './password-resets.js';

@Controller()
export class PasswordResetController {
  constructor(
    private readonly resets: PasswordResets,
    private readonly confirmations: PasswordResetConfirmations,
  ) {}

  @Handles(passwordResetRequest, { acrossAccounts: 'An address is looked up before the account is known.' })
  request({ body }: CallOf<typeof passwordResetRequest>): Promise<void> {
    return this.resets.request(body);
  }

  @Prepares(passwordResetConfirm)
  prepare({ body }: CallOf<typeof passwordResetConfirm>): Promise<string> {
    return this.confirmations.prepare(body.token, body.password);
  }

  @Handles(passwordResetConfirm, { acrossAccounts: 'A token is looked up before the account is known.' })
  confirm({ body }: CallOf<typeof passwordResetConfirm>, passwordHash: string): Promise<void> {
    return this.confirmations.confirm(body.token, passwordHash);
  }
}
