import { Injectable } from '@nestjs/common';
import type { Page, User, UserQuery } from '#libs/contracts';
import { Clock, toPage } from '#libs/database';
import { UserRows } from './user-rows.js';
import { toUser } from './user-view.js';

/** Reads users as the API shows them. */
@Injectable()
export class UserQueries {
  constructor(
    private readonly rows: UserRows,
    private readonly clock: Clock,
  ) {}

  async page(accountId: string, query: UserQuery): Promise<Page<User>> {
    const now = this.clock.now();
    const rows = await this.rows.page(accountId, query);
    return toPage(
      rows.map((row) => toUser(row, now)),
      query,
    );
  }

  /** @throws Problem `not-found`, for another account's user, too */
  async get(accountId: string, userId: string): Promise<User> {
    return toUser(await this.rows.get(accountId, userId), this.clock.now());
  }
}
