import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ApplyLocally } from '#libs/lifecycle';
import { sql } from 'kysely';
import { Audit, type NewEntry } from '../../../audit/audit.js';
import { SYSTEM } from '../departure-store.js';
import { CHANGE, TransitionLog, type Change } from '../transition-log.js';

/** What is written about departures that are scheduled or wait for approval when the user who requested them leaves. */
@Injectable()
export class RequesterDepartures {
  constructor(
    private readonly em: EntityManager,
    private readonly log: TransitionLog,
    private readonly audit: Audit,
  ) {}

  /**
   * Writes what a cancellation tells others. The statement of `identity.scheduled-departures` sets the status in the same
   * transaction: it is the only one outside of this folder that does.
   */
  readonly cancelled: ApplyLocally = async (_db, ids) => {
    const { rows } = await sql<Change>`
      update departure d set events = d.events + 1 where d.id = any(${[...ids]}::uuid[]) returning ${CHANGE}`.execute(
      this.db,
    );
    const changes = rows.map((row): Change => ({ ...row, status: 'cancelled' }));
    await this.log.record(changes, [], {
      by: SYSTEM,
      detail: ({ id: departureId, transition }) => ({ departureId, transition, requesterHasLeft: true }),
    });
  };

  readonly transferred: ApplyLocally = async (_db, ids, leavers) => {
    await this.audit.append(
      await this.entries(sql`d.id = any(${[...ids]}::uuid[])`, 'departure.transferred', (id) => ({
        transferredTo: leavers.get(id)?.successor,
      })),
    );
  };

  /** Records for each departure that these users have requested, and that stays, that they have left. */
  async recordKept(userIds: readonly string[]): Promise<void> {
    const people = sql`${[...userIds]}::uuid[]`;
    const kept = sql`d.requested_by = any(${people}) and d.status in ('scheduled', 'awaiting-approval') and d.user_id <> all(${people})`;
    await this.audit.append(await this.entries(kept, 'departure.requester-left'));
  }

  private async entries(
    which: ReturnType<typeof sql>,
    action: string,
    more: (departureId: string) => object = () => ({}),
  ): Promise<NewEntry[]> {
    const { rows } = await sql<Pick<Change, 'id' | 'account_id' | 'user_id' | 'transition'>>`
      select d.id, d.account_id, d.user_id, d.transition from departure d where ${which} order by d.id`.execute(
      this.db,
    );
    return rows.map(({ id: departureId, account_id: accountId, user_id: subjectId, transition }) => ({
      ...{ accountId, action, subjectId, ...SYSTEM },
      detail: { departureId, transition, ...more(departureId) },
    }));
  }

  private get db() {
    return this.em.getKysely();
  }
}
