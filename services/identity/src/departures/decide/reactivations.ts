import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type Invitation } from '#libs/contracts';
import { lockAccount } from '../../common/account-lock.js';
import { requireFreeSeats } from '../../common/seats.js';
import { Invitations } from '../../invitation/invitations.js';
import { PolicyService } from '../../policy/policy.service.js';
import { UserRows } from '../../user/user-rows.js';
import type { Decision } from './decision-events.js';
import { Decisions } from './decisions.js';

/** Checks and prepares reactivations by a manager, by the identity provider, or by the schedule. */
@Injectable()
export class Reactivations {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly policies: PolicyService,
    private readonly decisions: Decisions,
    private readonly invitations: Invitations,
  ) {}

  /**
   * Locks the account and the user, and checks that the user can be reactivated.
   * @throws Problem `conflict` unless the user is deactivated, `no-free-seat`
   */
  async prepare(accountId: string, userId: string): Promise<Decision> {
    await lockAccount(this.em, accountId);
    await this.users.lock([userId], 'leave');
    const user = await this.users.get(accountId, userId);
    if (user.status !== 'deactivated')
      throw new Problem('conflict', { detail: `The user is ${user.status}, not deactivated.` });
    await requireFreeSeats(this.em, accountId);
    const { preset, version } = await this.policies.get(accountId);
    return { user, policy: { preset, version, rules: {} } };
  }

  /**
   * Gives users back the status that they had. One who was invited gets a new invitation by mail.
   * @param decision as prepared
   * @param requestedBy as in `Decisions.apply`
   */
  async apply(
    decision: Decision,
    requestedBy: string | null,
    options: { onBehalf?: boolean; system?: string },
  ): Promise<{ departureId: string; invitation?: Invitation }> {
    const [departureId] = await this.decisions.apply('reactivated', [decision], requestedBy, options);
    const { id, status, email } = await this.users.get(decision.user.account_id, decision.user.id);
    if (status !== 'invited') return { departureId: departureId! };
    const invitedBy = options.onBehalf ? undefined : (requestedBy ?? undefined);
    return { departureId: departureId!, invitation: await this.invitations.renew(id, email!, invitedBy) };
  }
}
