import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ContactsMoved, ContactsMovedAnswer, contactsReturnable } from '#libs/contracts';
import { isApplied, type Db, type Decision } from '#libs/lifecycle';
import { sql } from 'kysely';

type Moved = Required<Pick<ContactsMoved, 'departure'>> & ContactsMoved & { after: Decision };
type Returnable = Parameters<NonNullable<typeof contactsReturnable.types>>[0];
type Undone = Required<Pick<ContactsMoved, 'undoes'>> & ContactsMoved & { after: Decision };

/** The rule of this service that can take contacts from the leaver in the same departure. */
const ASSIGNMENTS = 'contacts.assignments';

/** Whether contact `c` is still as the move `m` has left it, or as it was before (`b`). */
const NOT_REASSIGNED = sql`c.moved_by = m.id
  and (c.assignee is not distinct from m.assignee or c.assignee is not distinct from b.assignee)
  and (c.assigned_at is null or c.assigned_at <= m.decided_at)`;

/**
 * Moves contacts for departures, and back for reactivations, in the caller's transaction. A request behind a newer decision
 * about the user does nothing, and one whose decision has not been applied here waits.
 */
@Injectable()
export class DepartureMoves {
  constructor(private readonly em: EntityManager) {}

  async move(request: Moved): Promise<ContactsMovedAnswer> {
    const { id, after, userId } = request;
    const active = await this.lock([after.userId, userId]);
    const refusal = await this.refusal(after);
    if (refusal) return refusal;
    const warning = userId && !active.has(userId) ? { warning: 'successor-has-left' } : {};
    const { rows: known } = await sql<{ moved: number }>`select moved from contact_move where id = ${id}`.execute(
      this.db,
    );
    const moved = known[0]?.moved ?? (await this.assign(request, warning.warning ? null : userId));
    return { done: true, moved, ...warning };
  }

  /** Contacts whose former assignee has left meanwhile stay where they are. */
  async undo({ accountId, after, undoes }: Undone): Promise<ContactsMovedAnswer> {
    const moves = sql`account_id = ${accountId} and user_id = ${after.userId}
      and lifecycle_version = ${undoes.lifecycleVersion} and rule = ${undoes.rule}`;
    const { rows: holders } = await sql<{ assignee: string }>`
      select distinct b.assignee from contact_move m join contact_before b on b.move_id = m.id
      where ${moves} and b.assignee is not null`.execute(this.db);
    const active = await this.lock([after.userId, ...holders.map(({ assignee }) => assignee)]);
    const refusal = await this.refusal(after);
    if (refusal) return refusal;
    await this.giveBack(moves, after.lifecycleVersion, [...active]);
    const { rows } = await sql<{ moved: number; back: number }>`
      select coalesce(sum(moved), 0)::int as moved, coalesce(sum(moved_back), 0)::int as back from contact_move
      where ${moves} and undone_with = ${after.lifecycleVersion}`.execute(this.db);
    const { moved, back } = rows[0]!;
    return { done: true, moved: back, notRestored: moved - back };
  }

  /** How many contacts `undo` would give back now, if the user had returned. */
  async returnable({ accountId, userId, rule, lifecycleVersion }: Returnable): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from contact_move m
      join contact_before b on b.move_id = m.id join contact c on c.id = b.contact_id
      where m.account_id = ${accountId} and m.user_id = ${userId} and m.lifecycle_version = ${lifecycleVersion}
        and m.rule = ${rule} and m.undone_with is null and ${NOT_REASSIGNED}
        and (b.assignee is null or b.assignee = ${userId} or b.assignee in (
          select user_id from directory where status not in ('deactivated', 'deleted')))`.execute(this.db);
    return rows[0]!.count;
  }

  /** Locks the users so that none leaves or returns until the transaction ends. @returns those who are active */
  private async lock(userIds: readonly (string | null)[]): Promise<Set<string>> {
    const { rows } = await sql<{ user_id: string; status: string }>`
      select user_id, status from directory where user_id = any(${userIds.filter(Boolean)}::uuid[])
      order by user_id for key share`.execute(this.db);
    const active = rows.filter(({ status }) => status !== 'deactivated' && status !== 'deleted');
    return new Set(active.map((row) => row.user_id));
  }

  private async refusal(decision: Decision): Promise<ContactsMovedAnswer | undefined> {
    const { userId, lifecycleVersion } = decision;
    const { rows: newer } = await sql`
      select 1 from directory where user_id = ${userId} and lifecycle_version > ${lifecycleVersion}`.execute(this.db);
    if (newer.length > 0) return { done: false, superseded: true };
    return (await isApplied(this.db, decision)) ? undefined : { done: false };
  }

  /**
   * A contact that the same departure has moved already, or a contacts service of an earlier version with the same request,
   * is not recorded again. If this service's own rule has taken a contact from the leaver, it goes back to the leaver.
   */
  private async assign(request: Moved, assignee: string | null): Promise<number> {
    const { id, accountId, contactIds, after, departure } = request;
    const { rule, decidedAt, undoable } = departure;
    // A statement of its own: a row of `contact_before` may refer only to a move that is visible.
    await sql`
      insert into contact_move (id, account_id, user_id, lifecycle_version, rule, assignee, decided_at, moved)
      values (${id}, ${accountId}, ${after.userId}, ${after.lifecycleVersion}, ${rule}, ${assignee}, ${decidedAt}, 0)`.execute(
      this.db,
    );
    const { rows } = await sql<{ moved: number }>`
      with held as materialized (
        select c.id, c.assignee, c.moved_by from contact c
        where c.account_id = ${accountId} and c.id = any(${contactIds}::uuid[])
          and (c.moved_by is null or c.moved_by <= ${id}::uuid) and (c.assigned_at is null or c.assigned_at <= ${decidedAt})
          and not exists (select from contact_move m where m.id = c.moved_by and m.id <> ${id} and m.user_id = ${after.userId}
            and m.lifecycle_version = ${after.lifecycleVersion} and m.rule = ${rule})
        order by c.id for update),
      taken as materialized (
        select r.id, u.successor from undo u cross join unnest(u.row_ids) r (id)
        where u.user_id = ${after.userId} and u.rule = ${ASSIGNMENTS}),
      moved as (
        update contact c set assignee = ${assignee}, moved_by = ${id} from held where c.id = held.id returning c.id),
      recorded as (
        insert into contact_before (move_id, contact_id, assignee, moved_by)
        select ${id}, held.id, case when taken.id is null then held.assignee else ${after.userId}::uuid end, held.moved_by
        from held left join taken on taken.id = held.id and taken.successor is not distinct from held.assignee
        where ${undoable} and held.moved_by is distinct from ${id}::uuid)
      update contact_move set moved = (select count(*) from moved) where id = ${id} returning moved`.execute(this.db);
    return rows[0]!.moved;
  }

  /**
   * Gives back the contacts that nothing has reassigned since, once. They include those that the return has already given
   * back to the leaver by a rule of this service.
   */
  private async giveBack(moves: ReturnType<typeof sql>, version: number, active: readonly string[]): Promise<void> {
    await sql`
      with undone as materialized (
        select id, assignee, decided_at from contact_move where ${moves} and undone_with is null for update),
      given as (
        update contact c set assignee = b.assignee, moved_by = b.moved_by
        from undone m join contact_before b on b.move_id = m.id
        where c.id = b.contact_id and ${NOT_REASSIGNED}
          and (b.assignee is null or b.assignee = any(${[...active]}::uuid[]))
        returning m.id),
      gone as (delete from contact_before b using undone m where b.move_id = m.id)
      update contact_move m set undone_with = ${version}, moved_back = (select count(*) from given where given.id = m.id)
      from undone where m.id = undone.id`.execute(this.db);
  }

  private get db(): Db {
    return this.em.getKysely();
  }
}

/** Whether the user is active again after the decision. Locks the user, so that this holds until the transaction ends. */
export async function hasReturned(db: Db, { userId, lifecycleVersion }: Decision): Promise<boolean> {
  const { rows } = await sql`
    select 1 from directory where user_id = ${userId} and lifecycle_version > ${lifecycleVersion}
      and status not in ('deactivated', 'deleted') for key share`.execute(db);
  return rows.length > 0;
}

/** No return will undo the moves of a deleted user. */
export async function forgetMoves(db: Db, deleted: readonly { userId: string }[]): Promise<void> {
  const ids = deleted.map(({ userId }) => userId);
  await sql`delete from contact_move where user_id = any(${ids}::uuid[])`.execute(db);
}
