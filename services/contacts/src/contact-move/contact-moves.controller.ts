import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { sql } from 'kysely';
import { Answers } from '#libs/broker';
import { Log } from '#libs/observability';
import {
  contactsMoved,
  contactsReturnable,
  Problem,
  type ContactsMoved,
  type ContactsMovedAnswer,
} from '#libs/contracts';
import { Directory } from '#libs/database';
import { isApplied } from '#libs/lifecycle';
import { DepartureMoves, hasReturned } from './departure-moves.js';

/** Reassigns contacts when the number they are in touch with goes to another user. */
@Controller()
export class ContactMovesController {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly departures: DepartureMoves,
    private readonly log: Log,
  ) {}

  /**
   * A move that belongs to a departure waits until the departure's rules have run here, because their receipt has to
   * count the leaver's contacts as the preview did.
   * @returns `done: false` if the caller has to send the move again later
   */
  @Answers(contactsMoved)
  async move(moved: ContactsMoved): Promise<ContactsMovedAnswer> {
    await this.directory.prepare(moved.accountId, [moved.userId]);
    return RequestContext.create(this.em, () => this.em.transactional(() => this.answer(moved)));
  }

  @Answers(contactsReturnable)
  async returnable(request: Parameters<DepartureMoves['returnable']>[0]): Promise<{ returnable: number }> {
    return { returnable: await this.departures.returnable(request) };
  }

  private async answer(moved: ContactsMoved): Promise<ContactsMovedAnswer> {
    const { after, departure, undoes } = moved;
    if (after && undoes) return this.departures.undo({ ...moved, after, undoes });
    if (after && departure) return this.departures.move({ ...moved, after, departure });
    // A telephony service of an earlier version does not wait for the number of contacts.
    if (after && !(await isApplied(this.em.getKysely(), after))) return { done: false };
    const assignee = await this.newAssignee(moved);
    if (!after || !(await hasReturned(this.em.getKysely(), after))) await this.assign(moved, assignee);
    return { done: true };
  }

  /** Returns the new assignee, locked against leaving until the transaction ends; null if they have left. */
  private async newAssignee({ id, accountId, userId }: ContactsMoved): Promise<string | null> {
    if (!userId) return null;
    const left = await this.directory.lockAndCheckLeft(accountId, userId).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'unknown-user') return true;
      throw error;
    });
    if (left) this.log.warn({ move: id, user: userId }, 'contacts unassigned: the new owner of their number has left');
    return left ? null : userId;
  }

  private async assign({ id, accountId, contactIds }: ContactsMoved, assignee: string | null): Promise<void> {
    await sql`
      with held as (
        select id from contact where account_id = ${accountId} and id = any(${contactIds}::uuid[]) order by id for update)
      update contact c set assignee = ${assignee}, moved_by = ${id} from held
      where c.id = held.id and (c.moved_by is null or c.moved_by < ${id}::uuid)`.execute(this.em.getKysely());
  }
}
