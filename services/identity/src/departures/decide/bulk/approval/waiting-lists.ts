import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import {
  Problem,
  type ActionInput,
  type LeavingTransition,
  type NamedSuccessors,
  type ProblemCode,
  type Role,
  type Telling,
} from '#libs/contracts';
import { AfterCommit, Clock } from '#libs/database';
import { sql, type RawBuilder } from 'kysely';
import { Audit, type NewEntry } from '../../../../audit/audit.js';
import { isoOf } from '../../../../common/moments.js';
import type { RowFault } from '../bulk-files.js';
import type { ReadBulk } from '../bulk-requests.js';

/** A bulk departure. The columns of its approval are null if it has needed none. */
export interface WaitingList {
  id: string;
  accountId: string;
  transition: LeavingTransition;
  status: 'open' | 'awaiting-approval' | 'cancelled';
  requestedBy: string;
  requestedAs: Role[];
  effectiveAt: string | null;
  successors: NamedSuccessors;
  overrides: Record<string, ActionInput>;
  tellContacts: Telling | null;
  /** Null once it is decided. */
  planToken: string | null;
  firstRequestedBy: string | null;
  expiresAt: string | null;
  outcome: string | null;
}

interface Row {
  userId: string | null;
  successors: NamedSuccessors;
  code: ProblemCode | null;
  detail: string | null;
}

const CLOSED: Record<'approval-refused' | 'approval-expired', string> = {
  'approval-refused': 'The list was not approved.',
  'approval-expired': 'Nobody has approved the list in time.',
};

/** Reads and ends bulk departures that wait for another manager, in the caller's transaction. */
@Injectable()
export class WaitingLists {
  constructor(
    private readonly em: EntityManager,
    private readonly audit: Audit,
    private readonly afterCommit: AfterCommit,
    private readonly clock: Clock,
  ) {}

  /** @throws Problem `not-found` */
  find(accountId: string, id: string): Promise<WaitingList> {
    return this.select(accountId, id, sql``);
  }

  /** Locks it, so that one of two decisions finds that it waits. @throws Problem `not-found` */
  lock(accountId: string, id: string): Promise<WaitingList> {
    return this.select(accountId, id, sql`for no key update of b`);
  }

  /** The list as it was requested. */
  async contentsOf(list: WaitingList): Promise<ReadBulk> {
    const { id, transition, effectiveAt, successors, overrides, tellContacts } = list;
    const { rows } = await sql<Row>`
      select user_id as "userId", successors, code, detail from bulk_departure_row
      where bulk_id = ${id} order by n`.execute(this.db);
    return {
      ...{ transition, successors, overrides },
      ...(tellContacts && { tellContacts }),
      ...(effectiveAt !== null && { effectiveAt: isoOf(effectiveAt) }),
      rows: rows.map(({ userId, successors: own, code, detail }) => {
        const fault: RowFault | undefined = code === null ? undefined : { code, detail: detail ?? '' };
        return { userId, successors: own, ...(fault && { fault }) };
      }),
    };
  }

  async namesOwners(id: string): Promise<boolean> {
    const { rows } = await sql`
      select from bulk_departure_row r join user_role o on o.user_id = r.user_id and o.role = 'owner'
      where r.bulk_id = ${id} limit 1`.execute(this.db);
    return rows.length > 0;
  }

  /** Has the worker decide the rows of a locked list. */
  async open({ id, accountId }: WaitingList, decidedBy: string, wake: () => void): Promise<void> {
    await sql`
      update bulk_departure set status = 'open', decided = false, look_after = '-infinity' where id = ${id}`.execute(
      this.db,
    );
    await this.audit.append([
      { accountId, action: 'departure.bulk-approved', actorId: decidedBy, detail: { bulkId: id } },
    ]);
    this.afterCommit.run(async () => wake());
  }

  /** Ends locked lists without a decision about their rows. */
  async close(
    lists: readonly Pick<WaitingList, 'id' | 'accountId'>[],
    code: 'approval-refused' | 'approval-expired',
    { by, action }: { by: Pick<NewEntry, 'actorId' | 'system'>; action: string },
  ): Promise<void> {
    const ids = lists.map(({ id }) => id);
    await sql`
      update bulk_departure set status = 'cancelled', reason = null, tell_contacts = null where id = any(${ids}::uuid[])`.execute(
      this.db,
    );
    await sql`
      update bulk_departure_row set code = ${code}, detail = ${CLOSED[code]}
      where bulk_id = any(${ids}::uuid[]) and departure_id is null and code is null`.execute(this.db);
    await this.audit.append(lists.map(({ id, accountId }) => ({ accountId, action, ...by, detail: { bulkId: id } })));
  }

  /** Locks those whose time is over, except those that another transaction has locked. */
  async expired(limit: number): Promise<Pick<WaitingList, 'id' | 'accountId'>[]> {
    const { rows } = await sql<Pick<WaitingList, 'id' | 'accountId'>>`
      select b.id, b.account_id as "accountId" from bulk_departure b
      where b.status = 'awaiting-approval' and b.id = any(array(
        select a.id from approval a where a.outcome is null and a.expires_at <= ${this.clock.now()}
        order by a.expires_at limit ${limit}))
      order by b.id for no key update skip locked`.execute(this.db);
    return rows;
  }

  private async select(accountId: string, id: string, lock: RawBuilder<unknown>): Promise<WaitingList> {
    const { rows } = await sql<WaitingList>`
      select b.id, b.account_id as "accountId", b.transition, b.status, b.requested_by as "requestedBy",
        b.requested_as as "requestedAs", b.effective_at as "effectiveAt", b.successors, b.overrides,
        b.tell_contacts as "tellContacts", a.plan_token as "planToken",
        a.requested_by as "firstRequestedBy", a.expires_at as "expiresAt", a.outcome
      from bulk_departure b left join approval a on a.id = b.id
      where b.id = ${id} and b.account_id = ${accountId} ${lock}`.execute(this.db);
    if (!rows[0]) throw new Problem('not-found', { detail: 'There is no such bulk departure.' });
    return rows[0];
  }

  private get db() {
    return this.em.getKysely();
  }
}
