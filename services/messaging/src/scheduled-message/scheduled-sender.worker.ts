import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { MOST_RECIPIENTS, type Recipient } from '#libs/contracts';
import { Directory } from '#libs/database';
import { Worker, WorkerContext } from '#libs/jobs';
import { type Db } from '#libs/lifecycle';
import { Outgoing } from '../message/outgoing.js';
import { Recipients } from '../message/recipients.js';

/** Longer than the request for the recipients can take. */
export const LEASE_MS = 60_000;

interface Due {
  id: string;
  account_id: string;
  inbox_id: string;
  inbox_owner: string | null;
  contact_ids: string[];
  text: string;
  scheduled_by: string;
  team_ids: string[];
}

/**
 * Sends scheduled messages when they are due. Whether messages of a user who has left are still sent is not decided here:
 * the rules have held or cancelled those that must not go out.
 */
@Injectable()
export class ScheduledSender extends Worker<Due> {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly recipients: Recipients,
    private readonly outgoing: Outgoing,
    context: WorkerContext,
  ) {
    super(context, { name: 'scheduled-messages', wokenBy: ['scheduled_message'], leaseMs: LEASE_MS });
  }

  protected override async claim(limit: number): Promise<Due[]> {
    await this.rescheduleHeld();
    await this.markMissed();
    const now = this.clock.now();
    const { rows } = await sql<Due>`
      with due as (
        select id from scheduled_message
        where status = 'scheduled' and at <= ${now} and (lease_until is null or ${this.isPast('lease_until')})
        order by at limit ${limit} for update skip locked)
      update scheduled_message s set lease_until = ${this.leaseUntil()} from due, message_inbox i
      where s.id = due.id and i.id = s.inbox_id
      returning s.id, s.account_id, s.inbox_id, i.owner_id as inbox_owner, s.contact_ids, s.text, s.scheduled_by, s.team_ids`.execute(
      this.db(),
    );
    return rows;
  }

  protected override async run(due: Due): Promise<void> {
    const { contacts } = await this.recipients.page({
      accountId: due.account_id,
      contactIds: due.contact_ids,
      limit: MOST_RECIPIENTS,
    });
    await this.directory.withLookup(() =>
      RequestContext.create(this.em, () => this.em.transactional(() => this.send(due, contacts))),
    );
  }

  protected override about({ id }: Due): object {
    return { scheduledMessage: id };
  }

  private async send(due: Due, contacts: readonly Recipient[]): Promise<void> {
    const left = due.inbox_owner ? await this.directory.lockAndCheckLeft(due.account_id, due.inbox_owner) : false;
    // If a hold or a cancellation comes first, this updates nothing; if it comes later, the message is sent.
    const { rows } = await sql`
      update scheduled_message set status = 'sent' where id = ${due.id} and status = 'scheduled' returning id`.execute(
      this.em.getKysely(),
    );
    if (rows.length === 0) return;
    const inbox = { id: due.inbox_id, accountId: due.account_id, ownerId: due.inbox_owner };
    const letter = { text: due.text, sentBy: due.scheduled_by, teamIds: due.team_ids };
    // Scheduling created the threads. Where those of a leaver have been deleted since, none is created again.
    await this.outgoing.queue(inbox, letter, contacts, !left);
  }

  /**
   * Messages are held while their owner is away. Those of owners who have come back in time are scheduled again. The
   * owners' rows are locked in share, so that none of them leaves unnoticed meanwhile.
   */
  private async rescheduleHeld(): Promise<void> {
    const now = this.clock.now();
    await sql`
      with back as (
        select user_id from directory
        where status = 'active' and user_id in (select owner_id from scheduled_message where status = 'held' and at > ${now})
        order by user_id for key share)
      update scheduled_message s set status = 'scheduled' from back
      where s.owner_id = back.user_id and s.status = 'held' and s.at > ${now}`.execute(this.db());
  }

  private async markMissed(): Promise<void> {
    await sql`update scheduled_message set status = 'missed' where status = 'held' and at <= ${this.clock.now()}`.execute(
      this.db(),
    );
  }

  private db(): Db {
    return this.em.fork().getKysely();
  }
}
