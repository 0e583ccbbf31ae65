import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { InvitedUser, NewUser, Principal } from '#libs/contracts';
import { lockAccount } from '../common/account-lock.js';
import { requireFreeSeats } from '../common/seats.js';
import { actorOf, Audit } from '../audit/audit.js';
import { Passwords } from '../password/passwords.js';
import { Invitations } from '../invitation/invitations.js';
import { Actors, assertMayManage } from '../user/actors.js';
import { NewUsers } from '../user/new-users.js';
import { UserQueries } from '../user/user-queries.js';

/** Adds users to an account, on behalf of a manager or of the identity provider. */
@Injectable()
export class UserCreation {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserQueries,
    private readonly newUsers: NewUsers,
    private readonly actors: Actors,
    private readonly passwords: Passwords,
    private readonly invitations: Invitations,
    private readonly audit: Audit,
  ) {}

  /**
   * Hashes the password outside of the transaction.
   * @throws Problem `service-unavailable` if too many passwords are being hashed
   */
  async prepare(password: string | undefined): Promise<string | undefined> {
    return password === undefined ? undefined : this.passwords.hash(password);
  }

  /**
   * Creates a user: active with a password, otherwise invited.
   * @throws Problem `forbidden`, `no-free-seat`, `duplicate-email`, `duplicate-staff-id` or `unknown-reference`
   */
  async invite(
    principal: Principal,
    body: Omit<NewUser, 'password'>,
    passwordHash: string | undefined,
  ): Promise<InvitedUser> {
    const { accountId } = principal;
    const { name, email, staffId, teamIds, roles = ['agent'] } = body;
    await lockAccount(this.em, accountId);
    assertMayManage(await this.actors.rolesOf(principal), roles);
    await requireFreeSeats(this.em, accountId);
    const id = await this.newUsers.create(accountId, { name, email, staffId, teamIds, roles, passwordHash });
    const invitation = passwordHash ? undefined : await this.invitations.create(id, email, actorOf(principal).actorId);
    const action = invitation ? 'user.invited' : 'user.created';
    await this.audit.append([
      { accountId, action, ...actorOf(principal), subjectId: id, detail: { name, email, staffId, roles } },
    ]);
    const user = await this.users.get(principal, id);
    return invitation ? { ...user, invitation } : user;
  }
}
