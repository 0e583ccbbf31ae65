import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { passwordResetConfirm, passwordResetRequest, type CallOf } from '#libs/contracts';
import { PasswordResets } from './password-resets.js';

@Controller()
export class PasswordResetController {
  constructor(private readonly resets: PasswordResets) {}

  @Handles(passwordResetRequest)
  request({ body }: CallOf<typeof passwordResetRequest>): Promise<void> {
    return this.resets.request(body.email);
  }

  @Handles(passwordResetConfirm)
  confirm({ body }: CallOf<typeof passwordResetConfirm>): Promise<void> {
    return this.resets.confirm(body.token, body.password);
  }
}
