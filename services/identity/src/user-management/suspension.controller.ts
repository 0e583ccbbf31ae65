import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  usersResume,
  usersSessionsEnd,
  usersSignInMethodsReset,
  usersSuspend,
  type CallOf,
  type User,
} from '#libs/contracts';
import { UserQueries } from '../user/user-queries.js';
import { Lockouts } from './lockouts.js';
import { Suspensions } from './suspensions.js';

@Controller()
export class SuspensionController {
  constructor(
    private readonly users: UserQueries,
    private readonly suspensions: Suspensions,
    private readonly lockouts: Lockouts,
  ) {}

  @Handles(usersSuspend)
  async suspend({ principal, params }: CallOf<typeof usersSuspend>): Promise<User> {
    await this.suspensions.suspend(principal, params.id!);
    return this.users.get(principal, params.id!);
  }

  @Handles(usersResume)
  async resume({ principal, params }: CallOf<typeof usersResume>): Promise<User> {
    await this.suspensions.resume(principal, params.id!);
    return this.users.get(principal, params.id!);
  }

  @Handles(usersSessionsEnd)
  endSessions({ principal, params }: CallOf<typeof usersSessionsEnd>): Promise<void> {
    return this.lockouts.endSessions(principal, params.id!);
  }

  @Handles(usersSignInMethodsReset)
  resetSignInMethods({ principal, params }: CallOf<typeof usersSignInMethodsReset>): Promise<void> {
    return this.lockouts.resetSignInMethods(principal, params.id!);
  }
}
