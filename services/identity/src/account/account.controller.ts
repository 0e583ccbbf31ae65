import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  accountGet,
  accountsCreate,
  accountUpdate,
  type Account,
  type CallOf,
  type OpenedAccount,
} from '#libs/contracts';
import { AccountOpening } from './account-opening.js';
import { AccountService } from './account.service.js';

@Controller()
export class AccountController {
  constructor(
    private readonly accounts: AccountService,
    private readonly opening: AccountOpening,
  ) {}

  @Handles(accountsCreate)
  create({ body, client }: CallOf<typeof accountsCreate>): Promise<OpenedAccount> {
    return this.opening.open(body, client);
  }

  @Handles(accountGet)
  get({ principal }: CallOf<typeof accountGet>): Promise<Account> {
    return this.accounts.get(principal.accountId);
  }

  @Handles(accountUpdate)
  update({ principal, body }: CallOf<typeof accountUpdate>): Promise<Account> {
    return this.accounts.update(principal, body);
  }
}
