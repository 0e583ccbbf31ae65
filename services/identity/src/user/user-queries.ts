import { Injectable } from '@nestjs/common';
import { isManager, Problem, type Page, type Principal, type User, type UserQuery } from '#libs/contracts';
import { Clock, toPage } from '#libs/database';
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

  /** @throws Problem `forbidden` for a filter by what only managers see */
  async page(viewer: Reader, query: UserQuery): Promise<Page<User>> {
    if (query.suspended !== undefined && !isManager(viewer))
      throw new Problem('forbidden', { detail: 'Only owners and admins see who is suspended.' });
    const now = this.clock.now();
    const rows = await this.rows.page(viewer.accountId, query);
    return toPage(
      rows.map((row) => toUser(row, viewer, now)),
      query,
    );
  }

  /** @throws Problem `not-found`, for another account's user, too */
  async get(viewer: Reader, userId: string): Promise<User> {
    return toUser(await this.rows.get(viewer.accountId, userId), viewer, this.clock.now());
  }
}
