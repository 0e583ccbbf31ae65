import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { InvitedUser, NewUser, Page, Principal, User, UserQuery } from '#libs/contracts';
import { Clock, toPage } from '#libs/database';
import { lockAccount } from '../common/account-lock.js';
import { requireFreeSeats } from '../common/seats.js';
import { actorOf, Audit } from '../audit/audit.js';
import { Passwords } from '../password/passwords.js';
import { Invitations } from '../invitation/invitations.js';
import { Actors, assertMayManage } from '../user/actors.js';
import { NewUsers } from '../user/new-users.js';
import { UserEvents } from '../user/user-events.js';
import { UserRows } from '../user/user-rows.js';
import { toUser } from '../user/user-view.js';

@Injectable()
export class UserService {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly newUsers: NewUsers,
    private readonly actors: Actors,
    private readonly passwords: Passwords,
    private readonly invitations: Invitations,
    private readonly events: UserEvents,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  async page(accountId: string, query: UserQuery): Promise<Page<User>> {
    const now = this.clock.now();
    const rows = await this.users.page(accountId, query);
    return toPage(
      rows.map((row) => toUser(row, now)),
      query,
    );
  }

  async get(accountId: string, userId: string): Promise<User> {
    return toUser(await this.users.get(accountId, userId), this.clock.now());
  }

  /**
   * Creates a user: active with a password, otherwise invited.
   * @throws Problem `forbidden`, `no-free-seat`, `duplicate-email`, `duplicate-staff-id` or `unknown-reference`
   */
  async invite(principal: Principal, body: NewUser): Promise<InvitedUser> {
    const { accountId } = principal;
    const { name, email, staffId, teamIds, roles = ['agent'] } = body;
    const passwordHash = body.password === undefined ? undefined : await this.passwords.hash(body.password);
    await lockAccount(this.em, accountId);
    assertMayManage(await this.actors.rolesOf(principal), roles);
    await requireFreeSeats(this.em, accountId);
    const id = await this.newUsers.insert(accountId, { name, email, staffId, teamIds, roles, passwordHash });
    const invitation = passwordHash ? undefined : await this.invitations.create(id, email, actorOf(principal).actorId);
    await this.events.publishChanged([id], 'user.created');
    const action = invitation ? 'user.invited' : 'user.created';
    await this.audit.append([
      { accountId, action, ...actorOf(principal), subjectId: id, detail: { name, email, staffId, roles } },
    ]);
    const user = await this.get(accountId, id);
    return invitation ? { ...user, invitation } : user;
  }
}
