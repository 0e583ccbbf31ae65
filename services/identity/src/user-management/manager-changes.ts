import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal, type UserChange, type UserStatus } from '#libs/contracts';
import { sql } from 'kysely';
import type { UserRow } from '../user/user-rows.js';
import { differences, type Differences } from './differences.js';

/** Changes the user whom a user reports to. */
@Injectable()
export class ManagerChanges {
  constructor(private readonly em: EntityManager) {}

  /**
   * In the caller's transaction, which has locked the user. Locks the manager, who cannot be deleted in between.
   * @throws Problem `validation` for the user themselves; `unknown-user`, `inactive-user`
   */
  async change(principal: Principal, before: UserRow, { managerId }: UserChange): Promise<Differences> {
    if (managerId === undefined) return {};
    const changed = differences({ managerId: before.manager_id }, { managerId });
    if (!changed.managerId) return changed;
    if (managerId !== null) await this.requireManager(principal, before, managerId);
    await sql`update users set manager_id = ${managerId} where id = ${before.id}`.execute(this.em.getKysely());
    return changed;
  }

  /** An identity provider is the source of the organization, so it may also name a deactivated user. */
  private async requireManager({ system }: Principal, user: UserRow, managerId: string): Promise<void> {
    if (managerId === user.id) {
      const message = 'managerId must be another user';
      throw new Problem('validation', { errors: [{ field: 'managerId', message }] });
    }
    const { rows } = await sql<{ status: UserStatus }>`
      select status from users where account_id = ${user.account_id} and id = ${managerId} for key share`.execute(
      this.em.getKysely(),
    );
    const status = rows[0]?.status;
    if (status === undefined)
      throw new Problem('unknown-user', { detail: 'Name a user of this account.', items: [managerId] });
    const hasLeft = system === undefined ? status === 'deactivated' || status === 'deleted' : status === 'deleted';
    if (hasLeft) throw new Problem('inactive-user', { detail: 'Name a user who has not left.', items: [managerId] });
  }
}
