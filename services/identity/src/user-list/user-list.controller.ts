import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { usersCount, usersList, type CallOf, type UserCounts, type UserPage } from '#libs/contracts';
import { AccountCounts } from './account-counts.js';
import { UserList } from './user-list.js';

@Controller()
export class UserListController {
  constructor(
    private readonly users: UserList,
    private readonly counts: AccountCounts,
  ) {}

  @Handles(usersList)
  list({ principal, query }: CallOf<typeof usersList>): Promise<UserPage> {
    return this.users.page(principal, query);
  }

  @Handles(usersCount)
  count({ principal }: CallOf<typeof usersCount>): Promise<UserCounts> {
    return this.counts.of(principal.accountId);
  }
}
