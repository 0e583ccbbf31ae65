import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Principal } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { actorOf, Audit } from '../audit/audit.js';
import { ManagedUsers } from './managed-users.js';
import { assertOwnerRemains } from '../user/sole-owner.js';
import { UserEvents } from '../user/user-events.js';
import type { UserRow } from '../user/user-rows.js';
import { Lockouts } from './lockouts.js';

/**
 * Suspends users and ends suspensions, for managers and for identity providers. A suspended user is let in nowhere; whatever
 * lets somebody in checks `suspended_at`. Nothing else changes: no rule runs, and rows and seat stay.
 */
@Injectable()
export class Suspensions {
  constructor(
    private readonly em: EntityManager,
    private readonly managed: ManagedUsers,
    private readonly lockouts: Lockouts,
    private readonly events: UserEvents,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /**
   * Has no effect on a user who is suspended already.
   * @throws Problem `not-found`; `forbidden` for the caller's own user, or one that the caller may not manage; `inactive-user`;
   *   `sole-owner`
   */
  async suspend(principal: Principal, userId: string): Promise<void> {
    if (principal.system === undefined && principal.userId === userId)
      throw new Problem('forbidden', { detail: 'Another owner or admin has to suspend your own user.' });
    const user = await this.lock(principal, userId);
    if (user.suspended_at !== null) return;
    if (user.roles.includes('owner')) await assertOwnerRemains(this.em, user.account_id, [userId]);
    await this.write(userId, this.clock.now());
    await this.lockouts.lockOut(userId);
    await this.publish(principal, userId, 'user.suspended');
  }

  /**
   * Has no effect on a user who is not suspended. Sessions do not come back; API tokens and SCIM tokens work again.
   * @throws Problem `not-found`; `forbidden` if the caller may not manage the user; `inactive-user`
   */
  async resume(principal: Principal, userId: string): Promise<void> {
    const user = await this.lock(principal, userId);
    if (user.suspended_at === null) return;
    await this.write(userId, null);
    await this.publish(principal, userId, 'user.resumed');
  }

  private async lock(principal: Principal, userId: string): Promise<UserRow> {
    const user = await this.managed.lock(principal, userId, 'leave');
    if (user.status === 'deactivated' || user.status === 'deleted')
      throw new Problem('inactive-user', { detail: `The user is ${user.status}.`, items: [userId] });
    return user;
  }

  private async write(userId: string, suspendedAt: Date | null): Promise<void> {
    await sql`update users set suspended_at = ${suspendedAt} where id = ${userId}`.execute(this.em.getKysely());
  }

  private async publish(principal: Principal, subjectId: string, action: string): Promise<void> {
    await this.events.publishChanged([subjectId]);
    const { accountId } = principal;
    await this.audit.append([{ accountId, action, ...actorOf(principal), subjectId }]);
  }
}
