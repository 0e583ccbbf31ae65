import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { CalledOffDeparture, DepartureTransition } from '#libs/contracts';
import { sql } from 'kysely';
import { isoOf, isoOrNull } from '../../../common/moments.js';

/** A departure that waits for its day. Times in ISO 8601. */
export interface ScheduledStep {
  id: string;
  userId: string;
  transition: DepartureTransition;
  effectiveAt: string;
  /** Of a deactivation: when the user returns. */
  returnAt: string | null;
  /** Of a return: the deactivation that it ends. */
  returnsFrom: string | null;
}

/** What is scheduled for one user: at most one departure of each transition. */
export type Scheduled = Partial<Record<DepartureTransition, ScheduledStep>>;

/** Reads which departures are scheduled, and which have been called off. */
@Injectable()
export class ScheduledSteps {
  constructor(private readonly em: EntityManager) {}

  /** By user; users without anything scheduled are left out. */
  async of(userIds: readonly string[]): Promise<Map<string, Scheduled>> {
    const steps = await this.list(userIds);
    return new Map(
      [...Map.groupBy(steps, (step) => step.userId)].map(([userId, its]) => [
        userId,
        Object.fromEntries(its.map((step) => [step.transition, step])),
      ]),
    );
  }

  async ofUser(userId: string): Promise<Scheduled> {
    return (await this.of([userId])).get(userId) ?? {};
  }

  /** The departures of these users that wait for approval: at most one each. */
  async awaitingApproval(userIds: readonly string[]): Promise<ScheduledStep[]> {
    return this.list(userIds, 'awaiting-approval');
  }

  /** What each of these departures has called off or overtaken, in the order of the days. */
  async calledOffBy(departureIds: readonly string[]): Promise<Map<string, CalledOffDeparture[]>> {
    if (departureIds.length === 0) return new Map();
    const { rows } = await sql<CalledOffDeparture & { by: string }>`
      select called_off_by as by, id, transition, effective_at as "effectiveAt" from departure
      where called_off_by = any(${[...departureIds]}::uuid[]) order by effective_at, id`.execute(this.em.getKysely());
    return new Map(
      [...Map.groupBy(rows, (row) => row.by)].map(([by, its]) => [
        by,
        its.map(({ id, transition, effectiveAt }) => ({ id, transition, effectiveAt: isoOf(effectiveAt) })),
      ]),
    );
  }

  /**
   * When the retention ends that holds these due deletions back only because the deactivation before them was carried
   * out later than planned: by departure.
   */
  async retainedUntil(departureIds: readonly string[]): Promise<Map<string, Date>> {
    if (departureIds.length === 0) return new Map();
    const { rows } = await sql<{ id: string; until: string }>`
      select d.id, u.deactivated_at + k.retention as until from departure d
      join users u on u.id = d.user_id
      join departure p on p.user_id = d.user_id and p.lifecycle_version = u.lifecycle_version
      join lateral (select make_interval(hours => 24 * a.retention_days) as retention
        from account a where a.id = d.account_id) k on true
      where d.id = any(${[...departureIds]}::uuid[]) and u.status = 'deactivated'
        and p.effective_at + k.retention <= d.effective_at`.execute(this.em.getKysely());
    return new Map(rows.map((row) => [row.id, new Date(row.until)]));
  }

  /** Those of these departures that the policy has scheduled. */
  async erasuresAmong(departureIds: readonly string[]): Promise<string[]> {
    if (departureIds.length === 0) return [];
    const { rows } = await sql<{ id: string }>`
      select id from departure where id = any(${[...departureIds]}::uuid[]) and erases_from is not null`.execute(
      this.em.getKysely(),
    );
    return rows.map(({ id }) => id);
  }

  private async list(
    userIds: readonly string[],
    status: 'scheduled' | 'awaiting-approval' = 'scheduled',
  ): Promise<ScheduledStep[]> {
    if (userIds.length === 0) return [];
    const { rows } = await sql<ScheduledStep>`
      select id, user_id as "userId", transition, effective_at as "effectiveAt", return_at as "returnAt",
        returns_from as "returnsFrom"
      from departure where user_id = any(${[...userIds]}::uuid[]) and status = ${status} order by id`.execute(
      this.em.getKysely(),
    );
    return rows.map((row) => ({
      ...row,
      effectiveAt: isoOf(row.effectiveAt),
      returnAt: isoOrNull(row.returnAt),
    }));
  }
}
