import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { Principal } from '#libs/contracts';
import { lockAccount } from '../common/account-lock.js';
import { Actors, assertMayManage } from '../user/actors.js';
import { UserRows, type UserRow } from '../user/user-rows.js';

/** Locks users for their managers. */
@Injectable()
export class ManagedUsers {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly actors: Actors,
  ) {}

  /**
   * Locks and returns the user.
   * @param strength as in `UserRows.lock`; with `leave` the account is locked first
   * @throws Problem `not-found`; `forbidden` if the caller may not manage the user
   */
  async lock(principal: Principal, userId: string, strength: 'change' | 'leave'): Promise<UserRow> {
    const { accountId } = principal;
    await this.users.get(accountId, userId);
    if (strength === 'leave') await lockAccount(this.em, accountId);
    const roles = await this.actors.rolesOf(principal);
    await this.users.lock([userId], strength);
    const user = await this.users.get(accountId, userId);
    assertMayManage(roles, user.roles);
    return user;
  }
}
