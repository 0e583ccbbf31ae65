import { Injectable } from '@nestjs/common';
import { Problem, type DepartureDraft, type DraftChoices, type Principal } from '#libs/contracts';
import { Actors, assertMayManage } from '../../user/actors.js';
import { UserRows, type UserRow } from '../../user/user-rows.js';
import { Planner } from '../plan/planner.js';
import { Restorations } from '../plan/restorations.js';
import { SuccessorChecks } from '../plan/guards/successor-checks.js';
import { Drafts } from './drafts.js';

/** Keeps what managers mean to decide. A manager who may decide about a user may also read and write the draft. */
@Injectable()
export class DraftCommands {
  constructor(
    private readonly users: UserRows,
    private readonly actors: Actors,
    private readonly planner: Planner,
    private readonly successors: SuccessorChecks,
    private readonly restorations: Restorations,
    private readonly drafts: Drafts,
  ) {}

  /** @throws Problem `not-found`, `forbidden`, `conflict` for a deleted user, `invalid-successor`, `unknown-rule`, `invalid-action` */
  async save(principal: Principal, userId: string, choices: DraftChoices): Promise<DepartureDraft> {
    await this.users.lock([userId], 'change');
    const user = await this.userOf(principal, userId);
    if (user.status === 'deleted') throw new Problem('conflict', { detail: 'The user is deleted already.' });
    if (choices.transition !== 'reactivated') {
      const plan = await this.planner.plan(principal.accountId, userId, choices.transition, choices);
      await this.successors.check(principal.accountId, plan);
    } else if (choices.successors) {
      const message = 'successors is for a departure';
      throw new Problem('validation', { errors: [{ field: 'successors', message }] });
    }
    await this.restorations.of(choices);
    return this.drafts.save(user, principal.userId, choices);
  }

  /** @throws Problem `not-found`, `forbidden` */
  async get(principal: Principal, userId: string): Promise<DepartureDraft> {
    return this.drafts.get(await this.userOf(principal, userId));
  }

  /** @throws Problem `not-found`, `forbidden` */
  async discard(principal: Principal, userId: string): Promise<void> {
    const user = await this.userOf(principal, userId);
    await this.drafts.get(user);
    await this.drafts.drop([user.id]);
  }

  private async userOf(principal: Principal, userId: string): Promise<UserRow> {
    const user = await this.users.get(principal.accountId, userId);
    assertMayManage(await this.actors.rolesOf(principal), user.roles);
    return user;
  }
}
