import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Problem, type Call, type ScheduledMessageChanges } from '#libs/contracts';
import { Clock, Directory } from '#libs/database';
import { isPast } from '#libs/jobs';
import { Threads } from '../conversation/threads.js';
import { InboxAccess } from '../inbox/inbox-access.js';
import { LEASE_MS } from './scheduled-sender.worker.js';
import type { ScheduledMessageRow } from './scheduled-message.entity.js';

/** Statuses in which a message can still be changed. */
const PENDING = ['scheduled', 'held'];

type Change = Call<ScheduledMessageChanges>;

/** Changes messages that have not been sent. */
@Injectable()
export class ScheduledChanges {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly access: InboxAccess,
    private readonly threads: Threads,
    private readonly clock: Clock,
  ) {}

  /**
   * Requires that the caller may write in the new inbox. Locks the caller and its owner before the message.
   * @throws Problem `unknown-reference`, `forbidden`, `inactive-user`
   */
  async prepare({ accountId }: ScheduledMessageRow, { principal, body }: Change): Promise<void> {
    if (!body.inboxId) return;
    const { ownerId } = await this.access.writable(principal, body.inboxId);
    await this.directory.requireActive(accountId, [principal.userId, ownerId]);
  }

  /** @throws Problem `conflict` for a message that is not pending, or is being sent */
  async apply(message: ScheduledMessageRow, { principal, body }: Change): Promise<void> {
    const { text, at, inboxId } = body;
    if (!PENDING.includes(message.status) || (await this.isBeingSent(message)))
      throw new Problem('conflict', { detail: 'This message is not waiting to be sent.' });
    message.text = text ?? message.text;
    message.at = at === undefined ? message.at : new Date(at);
    if (!inboxId || inboxId === message.inboxId) return;
    const { id, ownerId } = await this.access.writable(principal, inboxId);
    Object.assign(message, { inboxId: id, ownerId: ownerId ?? principal.userId, status: 'scheduled' });
    await this.em.flush();
    // Conversations are created now, because they cannot be created once the owner has left.
    await this.threads.of({ id, accountId: message.accountId }, message.contactIds, true);
  }

  /** Whether the sender holds it: it sends what it has read when it claimed the message. */
  private async isBeingSent({ id }: ScheduledMessageRow): Promise<boolean> {
    const { rows } = await sql`
      select from scheduled_message
      where id = ${id} and lease_until is not null and not ${isPast(this.clock.now(), 'lease_until', LEASE_MS)}`.execute(
      this.em.getKysely(),
    );
    return rows.length > 0;
  }
}
