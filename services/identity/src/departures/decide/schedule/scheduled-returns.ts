import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem } from '#libs/contracts';
import { Actors, mayManage } from '../../../user/actors.js';
import type { DueDeparture } from '../../store/departure-claims.js';
import { DepartureStore } from '../../store/departure-store.js';
import { Reactivations } from '../reactivations.js';
import { Schedule } from './schedule.js';

/** Decides scheduled returns on their day. As with departures, the decision stands when its requester has left since. */
@Injectable()
export class ScheduledReturns {
  constructor(
    private readonly em: EntityManager,
    private readonly reactivations: Reactivations,
    private readonly schedule: Schedule,
    private readonly store: DepartureStore,
    private readonly actors: Actors,
  ) {}

  async decide(due: DueDeparture): Promise<void> {
    const { id, account_id: accountId, user_id: userId, requested_by, wishes } = due;
    await this.em.fork().transactional(async () => {
      const returning = await this.reactivations.prepare(accountId, userId).catch((error: unknown) => {
        if (error instanceof Problem) return error;
        throw error;
      });
      const rolesNow =
        requested_by === null ? [] : await this.actors.rolesIfActive({ accountId, userId: requested_by });
      const open = await this.schedule.hold([due]);
      if (!open.has(id)) return;
      if (returning instanceof Problem) return this.store.refuse([{ departureId: id, problem: returning }]);
      const onBehalf = !mayManage(rolesNow ?? [], returning.user.roles);
      const decision = { ...returning, restore: wishes.restore, departureId: id };
      await this.reactivations.apply(decision, requested_by, { onBehalf });
    });
  }
}
