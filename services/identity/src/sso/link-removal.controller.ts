import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import { usersSsoLinkRemove, type CallOf } from '#libs/contracts';
import { actorOf, Audit } from '../audit/audit.js';
import { lockAccount } from '../common/account-lock.js';
import { Proofs } from '../session/proofs.js';
import { Sessions } from '../session/sessions.js';
import { Actors, assertMayManage } from '../user/actors.js';
import { UserRows } from '../user/user-rows.js';
import { Links } from './sign-in/links.js';

/** For managers: a user is another person at the provider now, or was linked with the wrong one. */
@Controller()
export class LinkRemovalController {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly proofs: Proofs,
    private readonly links: Links,
    private readonly sessions: Sessions,
    private readonly audit: Audit,
  ) {}

  @Handles(usersSsoLinkRemove)
  async remove({ principal, params }: CallOf<typeof usersSsoLinkRemove>): Promise<void> {
    const [{ accountId }, userId] = [principal, params.id!];
    await this.users.get(accountId, userId);
    // Two managers may unlink each other at the same time.
    await lockAccount(this.em, accountId);
    const actorRoles = await this.actors.requireManager(principal);
    await this.users.lock([userId], 'leave');
    assertMayManage(actorRoles, (await this.users.get(accountId, userId)).roles);
    await this.proofs.require(principal);
    if (!(await this.links.unlink(userId))) return;
    await this.sessions.endOfProvider(accountId, { userId });
    await this.audit.append([{ accountId, action: 'sso.unlinked', ...actorOf(principal), subjectId: userId }]);
  }
}
