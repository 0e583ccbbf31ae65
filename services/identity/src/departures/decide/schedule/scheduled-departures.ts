import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { PREPARE_AGAIN, type PrepareAgain } from '#libs/broker';
import type { LeavingTransition } from '#libs/contracts';
import { isoOf } from '../../../common/moments.js';
import { Actors } from '../../../user/actors.js';
import { GroupPreflight } from '../../plan/group-preflight.js';
import { DepartureClaims, type DueDeparture } from '../../store/departure-claims.js';
import { tellingOf } from '../../store/departure-row.js';
import { ErasureNotices } from '../../store/scheduled/erasure-notices.js';
import { GroupDecisions } from '../group/group-decisions.js';
import { Schedule } from './schedule.js';

/**
 * Decides scheduled departures on their day, with the guards and the account's policy of that moment, and the successors
 * and overrides of the request. The requester may have left since or lost the right. The account had decided, so the
 * departure happens, and the audit trail names the system as the actor.
 */
@Injectable()
export class ScheduledDepartures {
  constructor(
    private readonly em: EntityManager,
    private readonly preflight: GroupPreflight,
    private readonly groups: GroupDecisions,
    private readonly schedule: Schedule,
    private readonly notices: ErasureNotices,
    private readonly claims: DepartureClaims,
    private readonly actors: Actors,
  ) {}

  /**
   * @param group departures of one account, transition and requester
   * @returns `PREPARE_AGAIN` if the policy has changed since the other services were asked; nothing has been decided then
   */
  async decide(group: readonly DueDeparture[]): Promise<PrepareAgain | undefined> {
    const { account_id: accountId, requested_by: requestedBy } = group[0]!;
    const transition = group[0]!.transition as LeavingTransition;
    const requests = group.map(({ id, user_id: userId, wishes, return_at: returnAt }) => ({
      userId,
      successors: wishes.successors,
      overrides: wishes.overrides,
      tellContacts: tellingOf({ wishes }),
      departureId: id,
      returnRestore: wishes.returnRestore,
      ...(returnAt && { returnAt: isoOf(returnAt) }),
    }));
    const prepared = await RequestContext.create(this.em, () =>
      this.preflight.prepare({ accountId, transition, requests }),
    );
    const waiting = await this.em.fork().transactional(async () => {
      await this.groups.lock(accountId, requests);
      const rolesNow = requestedBy === null ? [] : await this.actors.rolesIfActive({ accountId, userId: requestedBy });
      const open = await this.schedule.hold(group);
      await this.notices.giveTo([...open]);
      const scheduled = requests.filter((request) => open.has(request.departureId));
      const results = await this.groups.decide(
        { accountId, transition, requests: scheduled, requestedBy, rolesNow: rolesNow ?? [] },
        prepared,
      );
      if (results === PREPARE_AGAIN) return PREPARE_AGAIN;
      return this.schedule.refuse(
        results.flatMap(({ request, problem }) => (problem ? [{ departureId: request.departureId, problem }] : [])),
      );
    });
    if (waiting === PREPARE_AGAIN) return waiting;
    for (const [id, until] of waiting) await this.claims.retryScheduledAt([{ id }], until);
    return undefined;
  }
}
