import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { isManager, Problem, type Principal, type Role } from '#libs/contracts';
import { sql } from 'kysely';

/** Who acts, as the database knows them now. A token may be some minutes behind. */
@Injectable()
export class Actors {
  constructor(private readonly em: EntityManager) {}

  /**
   * The roles of whoever acts, who can't leave before the transaction ends. Where the account is locked as well, that
   * comes first.
   * @throws Problem `unauthenticated` when they have left meanwhile
   */
  async rolesOf(principal: Principal): Promise<Role[]> {
    // A program of the account can't leave.
    if (principal.system !== undefined) return [...principal.roles];
    const roles = await this.rolesIfActive(principal);
    if (!roles) throw new Problem('unauthenticated');
    return roles;
  }

  /** The same of whoever has decided something earlier; undefined when they have left. */
  async rolesIfActive({ accountId, userId }: Pick<Principal, 'accountId' | 'userId'>): Promise<Role[] | undefined> {
    const db = this.em.getKysely();
    const { rows } = await sql`
      select id from users where account_id = ${accountId} and id = ${userId} and status = 'active' for key share`.execute(
      db,
    );
    if (rows.length === 0) return undefined;
    const roles = await sql<{ role: Role }>`select role from user_role where user_id = ${userId}`.execute(db);
    return roles.rows.map((row) => row.role);
  }

  /** @throws Problem `forbidden` unless the acting user manages people, `unauthenticated` when they have left */
  async requireManager(principal: Principal): Promise<Role[]> {
    const roles = await this.rolesOf(principal);
    if (!isManager({ roles })) throw new Problem('forbidden', { detail: 'Only owners and admins do this.' });
    return roles;
  }
}

/**
 * Whether somebody may act on a user of the same account.
 * @param target roles that the user has, and those that the user is to get
 * @throws Problem `forbidden`
 */
export function assertMayManage(actorRoles: readonly Role[], target: readonly Role[]): void {
  if (!isManager({ roles: actorRoles }))
    throw new Problem('forbidden', { detail: 'Only owners and admins manage users.' });
  if (target.includes('owner') && !actorRoles.includes('owner')) {
    throw new Problem('forbidden', { detail: 'Only an owner acts on owners or makes somebody one.' });
  }
}

export function mayManage(actorRoles: readonly Role[], target: readonly Role[]): boolean {
  return isManager({ roles: actorRoles }) && (!target.includes('owner') || actorRoles.includes('owner'));
}
