import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { usersTransfer, type CallOf, type TransferredUser } from '#libs/contracts';
import { Transfers } from './transfers.js';

@Controller()
export class TransferController {
  constructor(private readonly transfers: Transfers) {}

  @Handles(usersTransfer)
  transfer({ principal, params, body }: CallOf<typeof usersTransfer>): Promise<TransferredUser> {
    return this.transfers.transfer(principal, params.id!, body);
  }
}
