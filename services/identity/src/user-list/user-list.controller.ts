import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { usersList, type CallOf, type UserPage } from '#libs/contracts';
import { UserList } from './user-list.js';

@Controller()
export class UserListController {
  constructor(private readonly users: UserList) {}

  @Handles(usersList)
  list({ principal, query }: CallOf<typeof usersList>): Promise<UserPage> {
    return this.users.page(principal, query);
  }
}
