import { Controller } from '@nestjs/common';
import { Handles, Prepares } from '#libs/broker';
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

  @Prepares(accountsCreate)
  prepare({ body }: CallOf<typeof accountsCreate>): Promise<string> {
    return this.opening.prepare(body);
  }

  @Handles(accountsCreate, { acrossAccounts: 'The account does not exist yet.' })
  create({ body, client }: CallOf<typeof accountsCreate>, passwordHash: string): Promise<OpenedAccount> {
    return this.opening.open(body, passwordHash, client);
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
