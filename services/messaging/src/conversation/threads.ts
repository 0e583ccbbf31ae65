import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Clock, Directory, Ids } from '#libs/database';
import { Conversation } from './conversation.entity.js';

interface ThreadInbox {
  id: string;
  accountId: string;
}

/** The conversations that messages become part of. */
@Injectable()
export class Threads {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /**
   * Finds the latest conversation with each contact in the inbox, and creates missing ones if `begin` is true.
   * @returns conversation id by contact id
   */
  async of(inbox: ThreadInbox, contactIds: readonly string[], begin: boolean): Promise<Map<string, string>> {
    const db = this.em.getKysely();
    // Locked until the transaction ends, so that concurrent messages to a contact do not create two conversations.
    await sql`select 1 from message_inbox where id = ${inbox.id} for no key update`.execute(db);
    const { rows } = await sql<{ id: string; contact_id: string }>`
      select distinct on (contact_id) id, contact_id from conversation
      where inbox_id = ${inbox.id} and contact_id = any(${[...contactIds]}::uuid[]) order by contact_id, id desc`.execute(
      db,
    );
    const known = new Map(rows.map((row) => [row.contact_id, row.id]));
    const missing = begin ? contactIds.filter((id) => !known.has(id)) : [];
    const created = missing.map(() => this.ids.next());
    await sql`
      insert into conversation (id, account_id, inbox_id, contact_id, status, created_at)
      select n.id, ${inbox.accountId}, ${inbox.id}, n.contact_id, 'open', ${this.clock.now()}
      from unnest(${created}::uuid[], ${missing}::uuid[]) as n (id, contact_id)`.execute(db);
    missing.forEach((contactId, index) => known.set(contactId, created[index]!));
    return known;
  }

  /** Reopens a closed conversation. It keeps its assignee, unless they have left. */
  async reopen(accountId: string, id: string): Promise<void> {
    const { status, assignee } = await this.em.findOneOrFail(Conversation, { id }, { refresh: true });
    if (status !== 'closed') return;
    const left = assignee ? await this.directory.lockAndCheckLeft(accountId, assignee) : false;
    await sql`
      update conversation set status = 'open', assignee = case when ${left} then null else assignee end
      where id = ${id} and status = 'closed' and assignee is not distinct from ${assignee ?? null}`.execute(
      this.em.getKysely(),
    );
  }
}
