import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type ApprovalReason, type Conversion } from '#libs/contracts';
import { Clock, relationOf } from '#libs/database';
import { sql } from 'kysely';
import { Audit, type NewEntry } from '../../../audit/audit.js';
import { SYSTEM, type ScheduledDeparture } from '../departure-store.js';
import { CHANGE, TransitionLog, WITHOUT_TEXT, type Change } from '../transition-log.js';

/** What waits for another manager. */
export interface NewApproval {
  neededFor: readonly ApprovalReason[];
  /** Null for an identity provider. */
  requestedBy: string | null;
  /** The user who created the SCIM token of the request. */
  tokenCreatedBy: string | null;
  /** Whether it happens as soon as it is approved. */
  atOnce: boolean;
  planToken: string | null;
  expiresAt: Date;
}

export interface WaitingApproval {
  requested_by: string | null;
  token_created_by: string | null;
  needed_for: ApprovalReason[];
  at_once: boolean;
  plan_token: string | null;
  expires_at: string;
}

type Actor = Pick<NewEntry, 'actorId' | 'system'>;

export type WaitingDeparture = Omit<ScheduledDeparture, 'returns_from' | 'erases_from'> & { conversion?: Conversion };

/** Departures that wait for another manager. Everything runs in the caller's transaction. */
@Injectable()
export class ApprovalStore {
  constructor(
    private readonly em: EntityManager,
    private readonly log: TransitionLog,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `conflict` if another departure of the user waits already. The caller has locked the user. */
  async insert(departure: WaitingDeparture, approval: NewApproval, by: Actor): Promise<void> {
    const [other] = await this.ofUsers([departure.user_id]);
    if (other)
      throw new Problem('conflict', {
        detail: `A ${other.transition === 'deleted' ? 'deletion' : 'deactivation'} of this user waits for approval already.`,
        items: [other.id],
      });
    const now = this.clock.now();
    const { rows: changes } = await sql<Change>`
      insert into departure as d (id, account_id, user_id, transition, requested_by, effective_at, reason, wishes, return_at,
        conversion, status, requested_at, total)
      select n.*, 'awaiting-approval', ${now}::timestamptz, 0
      from jsonb_to_record(${JSON.stringify(departure)}::jsonb) as n (id uuid, account_id uuid, user_id uuid, transition text,
        requested_by uuid, effective_at timestamptz, reason text, wishes jsonb, return_at timestamptz, conversion jsonb)
      returning ${CHANGE}`.execute(this.db);
    await this.add({ id: departure.id, accountId: departure.account_id }, approval);
    const { neededFor, atOnce, expiresAt } = approval;
    await this.log.record(changes, [], {
      by,
      detail: ({ id: departureId, transition }) => ({
        departureId,
        transition,
        ...(!atOnce && { effectiveAt: departure.effective_at }),
        neededFor,
        expiresAt: expiresAt.toISOString(),
      }),
    });
  }

  /** Adds the approval that a bulk departure waits for, or the departure that `insert` has created. */
  async add({ id, accountId }: { id: string; accountId: string }, approval: NewApproval): Promise<void> {
    const { neededFor, requestedBy, tokenCreatedBy, atOnce, planToken, expiresAt } = approval;
    await sql`
      insert into approval (id, account_id, needed_for, requested_by, token_created_by, at_once, plan_token, expires_at)
      values (${id}, ${accountId}, ${[...neededFor]}::text[], ${requestedBy}, ${tokenCreatedBy}, ${atOnce}, ${planToken},
        ${expiresAt})`.execute(this.db);
  }

  /** Undefined if nothing is decided about it any more. */
  async waiting(id: string): Promise<WaitingApproval | undefined> {
    const { rows } = await sql<WaitingApproval>`
      select requested_by, token_created_by, needed_for, at_once, plan_token, expires_at from approval
      where id = ${id} and outcome is null`.execute(this.db);
    return rows[0];
  }

  async setToken(id: string, planToken: string): Promise<void> {
    await sql`update approval set plan_token = ${planToken} where id = ${id} and outcome is null`.execute(this.db);
  }

  /** The departures of these users that wait. */
  async ofUsers(userIds: readonly string[]): Promise<{ id: string; user_id: string; transition: string }[]> {
    const { rows } = await sql<{ id: string; user_id: string; transition: string }>`
      select id, user_id, transition from departure
      where user_id = any(${[...userIds]}::uuid[]) and status = 'awaiting-approval'`.execute(this.db);
    return rows;
  }

  /** Records the approval. The caller has locked the departure and starts or schedules it. */
  async approve({ id, due }: { id: string; due: boolean }, decidedBy: string): Promise<void> {
    await this.conclude([id], 'approved', { decidedBy });
    if (due) await sql`update departure set effective_at = ${this.clock.now()} where id = ${id}`.execute(this.db);
  }

  /** The caller has locked the departure, which waits. */
  async refuse(id: string, decidedBy: string, reason: string): Promise<void> {
    await this.conclude([id], 'refused', { decidedBy, reason });
    const changes = await this.end([id], 'approval-refused');
    await this.log.record(changes, [], { by: { actorId: decidedBy }, action: 'departure.approval-refused' });
  }

  /** Departures that another transaction has locked are left to the next call. @returns how many have expired, at most `limit` */
  async expire(limit: number): Promise<number> {
    const { rows: due } = await sql<{ id: string }>`
      select d.id from departure d where d.status = 'awaiting-approval' and d.id = any(array(
        select a.id from approval a where a.outcome is null and a.expires_at <= ${this.clock.now()}
        order by a.expires_at limit ${limit}))
      order by d.id for no key update skip locked`.execute(this.db);
    const changes = await this.end(
      due.map((row) => row.id),
      'approval-expired',
    );
    await this.conclude(
      changes.map((change) => change.id),
      'expired',
      {},
    );
    await this.log.record(changes, [], { by: SYSTEM, action: 'departure.approval-expired' });
    return changes.length;
  }

  /** The caller has locked what waits. */
  async conclude(
    ids: readonly string[],
    outcome: 'approved' | 'refused' | 'expired' | 'withdrawn',
    { decidedBy, reason }: { decidedBy?: string; reason?: string },
  ): Promise<void> {
    const rows = ids.map((id) => ({ id }));
    await sql`
      update approval a set outcome = ${outcome}, plan_token = null, decided_by = ${decidedBy ?? null},
        decided_at = ${decidedBy === undefined ? null : this.clock.now()}, reason = ${reason ?? null}
      from ${relationOf('n', rows, { id: 'uuid' })} where a.id = n.id and a.outcome is null`.execute(this.db);
  }

  /** Writes the entry about the approval itself. It locks the trail, so call it last. */
  async recordApproval(accountId: string, subjectId: string, decidedBy: string, detail: object): Promise<void> {
    const entry = { accountId, action: 'departure.approved', actorId: decidedBy, subjectId, detail: { ...detail } };
    await this.audit.append([entry]);
  }

  /** Those that nobody else has decided or ended meanwhile. */
  private async end(ids: readonly string[], error: 'approval-refused' | 'approval-expired'): Promise<Change[]> {
    const { rows } = await sql<Change>`
      update departure d set status = 'cancelled', events = d.events + 1, error = ${error}, ${WITHOUT_TEXT}
      where d.id = any(${[...ids]}::uuid[]) and d.status = 'awaiting-approval' returning ${CHANGE}`.execute(this.db);
    return rows;
  }

  private get db() {
    return this.em.getKysely();
  }
}
