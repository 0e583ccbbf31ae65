import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN } from '#libs/broker';
import type { Transition } from '#libs/contracts';
import { isoOf } from '../../../common/moments.js';
import { Actors } from '../../../user/actors.js';
import { GroupPreflight } from '../../plan/group-preflight.js';
import type { DueDeparture } from '../../store/departure-claims.js';
import { DepartureStore } from '../../store/departure-store.js';
import { GroupDecisions } from '../group-decisions.js';
import { Schedule } from './schedule.js';

/**
 * Decides scheduled departures on their day, with the guards and the account's policy of that moment, and the successors
 * and overrides of the request. Whoever has asked may have left since or lost the right: the account had decided, so the
 * departure happens, and the trail then says that the system has done it.
 */
@Injectable()
export class ScheduledDepartures {
  constructor(
    private readonly em: EntityManager,
    private readonly preflight: GroupPreflight,
    private readonly groups: GroupDecisions,
    private readonly schedule: Schedule,
    private readonly store: DepartureStore,
    private readonly actors: Actors,
  ) {}

  /**
   * @param group departures of one account, transition and requester
   * @returns false when the policy has changed since the other services were asked, and nothing has been decided
   */
  async decide(group: readonly DueDeparture[]): Promise<boolean> {
    const { account_id: accountId, requested_by: requestedBy } = group[0]!;
    const transition = group[0]!.transition as Transition;
    const requests = group.map(({ id, user_id: userId, wishes: { successors, overrides }, return_at: returnAt }) => ({
      userId,
      successors,
      overrides,
      departureId: id,
      ...(returnAt && { returnAt: isoOf(returnAt) }),
    }));
    const prepared = await RequestContext.create(this.em, () =>
      this.preflight.prepare({ accountId, transition, requests }),
    );
    return this.em.fork().transactional(async () => {
      await this.groups.lock(accountId, requests);
      const rolesNow = await this.actors.rolesIfActive({ accountId, userId: requestedBy });
      const open = await this.schedule.hold(requests.map((request) => request.departureId));
      const still = requests.filter((request) => open.has(request.departureId));
      const verdicts = await this.groups.decide(
        { accountId, transition, requests: still, requestedBy, rolesNow: rolesNow ?? [] },
        prepared,
      );
      if (verdicts === PREPARE_AGAIN) return false;
      await this.store.refuse(
        verdicts.flatMap(({ request, problem }) => (problem ? [{ departureId: request.departureId, problem }] : [])),
      );
      return true;
    });
  }
}
