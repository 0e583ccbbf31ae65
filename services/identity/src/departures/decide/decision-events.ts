import { Injectable } from '@nestjs/common';
import {
  isManager,
  type AppliedTransition,
  type Conversion,
  type DepartureFacts,
  type DepartureTransition,
  type ResolvedPolicy,
  type Restore,
  type Telling,
  type UserEvent,
} from '#libs/contracts';
import { Ids } from '#libs/database';
import { Outbox } from '#libs/outbox';
import { Catalogue } from '../../catalogue/catalogue.js';
import { LeaverDigests, type Digests } from '../../former-identifier/leaver-digests.js';
import { UserEvents } from '../../user/user-events.js';
import type { UserRow } from '../../user/user-rows.js';
import { FirstAdmins, namesFirstAdmin } from '../plan/first-admins.js';
import { SuccessorChecks } from '../plan/guards/successor-checks.js';

/** A decision about one user. */
export interface Decision {
  /** The user as read under the lock. */
  user: UserRow;
  policy: ResolvedPolicy;
  reason?: string;
  /** The time of the scheduled reactivation, in ISO 8601. */
  returnAt?: string;
  /** What the reactivation at `returnAt` restores. */
  returnRestore?: Restore;
  /** What a reactivation restores. */
  restore?: Restore;
  /** The scheduled departure that starts now. */
  departureId?: string;
  /** The shared inbox that the leaver's number and threads become. */
  conversion?: Conversion;
  /** What the leaver's contacts are told. */
  tellContacts?: Telling;
  /** Further details for the audit trail. */
  detail?: Record<string, unknown>;
}

const STEPS: Record<DepartureTransition, AppliedTransition[]> = {
  deactivated: ['deactivated'],
  deleted: ['deactivated', 'deleted'],
  reactivated: [],
  transferred: ['transferred'],
  reassigned: ['reassigned'],
};

/** Creates the events of decisions and writes them to the outbox. */
@Injectable()
export class DecisionEvents {
  constructor(
    private readonly events: UserEvents,
    private readonly outbox: Outbox,
    private readonly catalogue: Catalogue,
    private readonly ids: Ids,
    private readonly firstAdmins: FirstAdmins,
    private readonly successors: SuccessorChecks,
    private readonly digests: LeaverDigests,
  ) {}

  /** The services that have to answer, without identity. */
  participants(): Promise<string[]> {
    return this.catalogue.participants();
  }

  /**
   * The departure facts of the events, by user.
   * @param takenOverAt by user: the lifecycle version of a take-over that these decisions supersede and have to finish
   */
  async factsOf(
    transition: DepartureTransition,
    decisions: readonly Decision[],
    takenOverAt: ReadonlyMap<string, number>,
  ): Promise<Map<string, DepartureFacts>> {
    const users = decisions.map(({ user }) => user);
    const accounts = namesFirstAdmin(transition) ? users.map((user) => user.account_id) : [];
    const firstAdmins = await this.firstAdmins.of(
      accounts,
      users.map(({ id }) => id),
    );
    const members = await this.successors.oneOfEach(
      decisions.flatMap(({ policy }) => teamsOf(policy)),
      users.map(({ id }) => id),
    );
    return new Map(
      decisions.map((decision) => {
        const { id, account_id: accountId } = decision.user;
        const policy = withMembers(decision.policy, members);
        const fact = this.factOf(transition, { ...decision, policy }, firstAdmins.get(accountId));
        const since = transition === 'transferred' ? undefined : takenOverAt.get(id);
        if (since === undefined) return [id, fact];
        return [id, { ...fact, steps: ['transferred', ...fact.steps], takenOverAt: since }];
      }),
    );
  }

  /**
   * The digests of what deleted users are and were called; none for other transitions. They are no part of the events.
   * Call it before the users are redacted.
   */
  async digestsOf(
    transition: DepartureTransition,
    decisions: readonly Decision[],
    facts: ReadonlyMap<string, DepartureFacts>,
  ): Promise<Map<string, Digests>> {
    return transition === 'deleted' ? this.digests.of(decisions, facts) : new Map();
  }

  /** @param users after the change of status */
  of(
    transition: DepartureTransition,
    users: readonly UserRow[],
    facts: ReadonlyMap<string, DepartureFacts>,
  ): UserEvent[] {
    return users.map((user) => this.events.userEvent(user, `user.${transition}`, facts.get(user.id)));
  }

  /** Publishes the events until all services have acknowledged them, those without rules included. */
  async publish(events: readonly UserEvent[], participants?: readonly string[]): Promise<void> {
    const targets = participants ?? (await this.catalogue.otherServices());
    await this.outbox.append(events.map((event) => ({ event, targets })));
  }

  private factOf(
    transition: DepartureTransition,
    { user, policy, departureId, conversion, restore, tellContacts }: Decision,
    firstAdminId: string | undefined,
  ): DepartureFacts {
    const id = departureId ?? this.ids.next();
    return {
      id,
      steps: STEPS[transition],
      activeSince: transition === 'reactivated' ? user.lifecycle_version + 1 : user.active_since,
      wasManager: isManager(user),
      policy,
      ...(transition === 'deleted' && user.email && { hasAddress: true as const }),
      ...(firstAdminId && { firstAdminId }),
      ...(conversion && { conversion }),
      ...(restore && { restore }),
      ...(tellContacts && { tellContacts }),
      round: 0,
    };
  }
}

const teamsOf = ({ rules }: ResolvedPolicy): string[] =>
  Object.values(rules).flatMap((actions) => Object.values(actions).flatMap(({ team }) => team?.id ?? []));

/** Adds a member of each team as the successor for services that do not know teams. */
function withMembers(policy: ResolvedPolicy, members: ReadonlyMap<string, string>): ResolvedPolicy {
  if (members.size === 0) return policy;
  const rules = Object.entries(policy.rules).map(([rule, actions]) => [
    rule,
    Object.fromEntries(
      Object.entries(actions).map(([transition, action]) => {
        const to = action.team && members.get(action.team.id);
        return [transition, to === undefined ? action : { ...action, to }];
      }),
    ),
  ]);
  return { ...policy, rules: Object.fromEntries(rules) as ResolvedPolicy['rules'] };
}
