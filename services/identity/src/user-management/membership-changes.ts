import { Injectable } from '@nestjs/common';
import type { Principal, UserChange } from '#libs/contracts';
import { Sessions } from '../session/sessions.js';
import { Memberships } from '../user/memberships.js';
import type { UserRow } from '../user/user-rows.js';
import { differences, type Differences } from './differences.js';
import { ManagerChanges } from './manager-changes.js';

/** Changes the roles, the teams and the manager of a user. A lost role ends the access tokens that still carry it. */
@Injectable()
export class MembershipChanges {
  constructor(
    private readonly memberships: Memberships,
    private readonly sessions: Sessions,
    private readonly managers: ManagerChanges,
  ) {}

  /**
   * In the caller's transaction, which has locked the user.
   * @throws Problem `validation` for no role at all, `unknown-reference` for teams that the account does not have; for the
   *   manager as `ManagerChanges`
   */
  async change(principal: Principal, before: UserRow, change: UserChange): Promise<Differences> {
    const detail = differences(
      { roles: before.roles, teamIds: before.team_ids },
      {
        roles: change.roles ? [...new Set(change.roles)].sort() : before.roles,
        teamIds: change.teamIds ? [...new Set(change.teamIds)].sort() : before.team_ids,
      },
    );
    if (detail.roles) await this.memberships.setRoles(before.id, change.roles!);
    if (detail.teamIds) await this.memberships.setTeams(before.account_id, before.id, change.teamIds!);
    if (detail.roles && before.roles.some((role) => !change.roles!.includes(role)))
      await this.sessions.renewClaims([before.id]);
    return { ...detail, ...(await this.managers.change(principal, before, change)) };
  }
}
