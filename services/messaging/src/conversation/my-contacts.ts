import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import type { Principal } from '#libs/contracts';
import { Recipients } from '../message/recipients.js';

/** Conversations whose contacts are looked up at once. The first batch is usually a whole page and more. */
const FIRST_BATCH = 500;
/** An answer about this many contacts stays well below the broker's limit of 1 MB for a message. */
const MAX_BATCH = 4_000;

interface Row {
  id: string;
  contact_id: string;
}

/**
 * The conversations of an inbox with the contacts that are assigned to a user. Contacts and their assignment belong to
 * the contacts service, so it is asked who of an inbox's contacts is assigned to the user.
 */
@Injectable()
export class MyContacts {
  constructor(
    private readonly em: EntityManager,
    private readonly recipients: Recipients,
  ) {}

  /**
   * @param window `before` is the id of the last conversation of the page before
   * @returns the ids of at most `limit` conversations, newest first
   */
  async conversationsIn(
    inboxId: string,
    principal: Principal,
    window: { before: string | null; limit: number },
  ): Promise<string[]> {
    const found: string[] = [];
    let { before } = window;
    for (let size = FIRST_BATCH; found.length < window.limit; size = MAX_BATCH) {
      const rows = await this.next(inboxId, before, size);
      const mine = await this.assigned(principal, rows);
      found.push(...rows.filter((row) => mine.has(row.contact_id)).map((row) => row.id));
      if (rows.length < size) break;
      before = rows.at(-1)!.id;
    }
    return found.slice(0, window.limit);
  }

  private async next(inboxId: string, before: string | null, size: number): Promise<Row[]> {
    const { rows } = await sql<Row>`
      select id, contact_id from conversation
      where inbox_id = ${inboxId} and (${before}::uuid is null or id < ${before}::uuid)
      order by id desc limit ${size}`.execute(this.em.getKysely());
    return rows;
  }

  /** Returns the ids of those contacts that are assigned to the caller. */
  private async assigned({ accountId, userId }: Principal, rows: readonly Row[]): Promise<Set<string>> {
    const contactIds = [...new Set(rows.map((row) => row.contact_id))];
    if (contactIds.length === 0) return new Set();
    const wanted = { accountId, contactIds, assignee: userId, limit: contactIds.length };
    return new Set((await this.recipients.page(wanted)).contacts.map(({ id }) => id));
  }
}
