import { Injectable } from '@nestjs/common';
import type { Principal, User } from '#libs/contracts';
import { Clock } from '#libs/database';
import { UserRows } from './user-rows.js';
import { toUser, type Viewer } from './user-view.js';

type Reader = Viewer & Pick<Principal, 'accountId'>;

/** Reads users as the API shows them to a user of the same account. */
@Injectable()
export class UserQueries {
  constructor(
    private readonly rows: UserRows,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `not-found`, for another account's user, too */
  async get(viewer: Reader, userId: string): Promise<User> {
    return toUser(await this.rows.get(viewer.accountId, userId), viewer, this.clock.now());
  }
}
