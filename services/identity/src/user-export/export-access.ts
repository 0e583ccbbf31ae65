import { Injectable } from '@nestjs/common';
import type { Principal } from '#libs/contracts';
import { Proofs } from '../session/proofs.js';
import { Actors, assertMayManage } from '../user/actors.js';
import { UserRows, type UserRow } from '../user/user-rows.js';

/** Who may take a copy of a user's data: managers who may decide about the user. */
@Injectable()
export class ExportAccess {
  constructor(
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly proofs: Proofs,
  ) {}

  /** @throws Problem `not-found`, `forbidden` */
  async toStatus(principal: Principal, userId: string): Promise<UserRow> {
    const user = await this.users.get(principal.accountId, userId);
    assertMayManage(await this.actors.rolesOf(principal), user.roles);
    return user;
  }

  /**
   * To the data itself. An API token needs no proof of identity: its user has given one to create it.
   * @throws Problem `not-found`, `forbidden`, `step-up-required`
   */
  async toData(principal: Principal, userId: string): Promise<UserRow> {
    const user = await this.toStatus(principal, userId);
    if (principal.sessionId !== undefined) await this.proofs.require(principal);
    return user;
  }

  /** Locks the user, so that no decision about them is made until the transaction ends. */
  async lock(userId: string): Promise<void> {
    await this.users.lock([userId], 'change');
  }
}
