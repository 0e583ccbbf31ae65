import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { isManager, Problem, type Principal, type Role } from '#libs/contracts';
import { sql, type RawBuilder } from 'kysely';

type Author = Pick<Principal, 'accountId' | 'userId'>;

/** Checks the caller's current roles in the database, because a token can be some minutes old. */
@Injectable()
export class Actors {
  constructor(private readonly em: EntityManager) {}

  /**
   * Returns the caller's roles, and locks the caller against leaving until the transaction ends. If the account is
   * locked as well, lock it first.
   * @throws Problem `unauthenticated` if the caller has left or is suspended
   */
  async rolesOf(principal: Principal): Promise<Role[]> {
    // A system principal, such as an identity provider, cannot leave.
    if (principal.system !== undefined) return [...principal.roles];
    const roles = await this.find(principal, sql`and suspended_at is null`);
    if (!roles) throw new Problem('unauthenticated');
    return roles;
  }

  /** Same for the author of an earlier decision, who may be suspended by now. Returns undefined if they have left. */
  rolesIfActive(author: Author): Promise<Role[] | undefined> {
    return this.find(author, sql``);
  }

  private async find({ accountId, userId }: Author, condition: RawBuilder<unknown>): Promise<Role[] | undefined> {
    const db = this.em.getKysely();
    const { rows } = await sql`
      select id from users
      where account_id = ${accountId} and id = ${userId} and status = 'active' ${condition} for key share`.execute(db);
    if (rows.length === 0) return undefined;
    const roles = await sql<{ role: Role }>`select role from user_role where user_id = ${userId}`.execute(db);
    return roles.rows.map((row) => row.role);
  }

  /** @throws Problem `forbidden` unless the caller is an owner, `unauthenticated` as `rolesOf` */
  async requireOwner(principal: Principal): Promise<void> {
    const roles = await this.rolesOf(principal);
    if (!roles.includes('owner')) throw new Problem('forbidden', { detail: 'Only owners can do this.' });
  }

  /** @throws Problem `forbidden` unless the caller is a manager, `unauthenticated` as `rolesOf` */
  async requireManager(principal: Principal): Promise<Role[]> {
    const roles = await this.rolesOf(principal);
    if (!isManager({ roles })) throw new Problem('forbidden', { detail: 'Only owners and admins can do this.' });
    return roles;
  }
}

/**
 * Requires that a caller with these roles may manage a user of the same account.
 * @param target the user's current roles and those that the user will get
 * @throws Problem `forbidden`
 */
export function assertMayManage(actorRoles: readonly Role[], target: readonly Role[]): void {
  if (!isManager({ roles: actorRoles }))
    throw new Problem('forbidden', { detail: 'Only owners and admins can manage users.' });
  if (target.includes('owner') && !actorRoles.includes('owner')) {
    throw new Problem('forbidden', { detail: 'Only an owner can manage owners or make a user an owner.' });
  }
}

export function mayManage(actorRoles: readonly Role[], target: readonly Role[]): boolean {
  return isManager({ roles: actorRoles }) && (!target.includes('owner') || actorRoles.includes('owner'));
}
