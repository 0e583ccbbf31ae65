import { Injectable } from '@nestjs/common';
import { deletedRelation, Forgetting, holdsIdentifier, type Db, type DeletedPerson } from '#libs/lifecycle';
import { sql } from 'kysely';
import { PERSONAL_INBOX } from '../message/sending-inboxes.js';

/**
 * Removes a deleted user's name from personal inboxes, which are usually named after their owner, and the user's present
 * and former email addresses from chatbots and web forms. Without a custom address these write to their user, which is
 * another one by then.
 */
@Injectable()
export class NamedAfterTheLeaver extends Forgetting {
  override readonly needsAddresses = true;

  override async forget(db: Db, deleted: readonly DeletedPerson[]): Promise<void> {
    await sql`
      update message_inbox set name = ${PERSONAL_INBOX}
      where owner_id = any(${deleted.map(({ userId }) => userId)}::uuid[])`.execute(db);
    for (const table of ['chatbot', 'webform']) await this.removeAddresses(db, table, deleted);
  }

  private async removeAddresses(db: Db, table: string, deleted: readonly DeletedPerson[]): Promise<void> {
    const known = deleted.filter(({ identifiers }) => identifiers.length > 0);
    if (known.length === 0) return;
    await sql`
      update ${sql.table(table)} t set email = null from ${deletedRelation(known)}
      where t.account_id = n.account_id and t.email is not null and ${holdsIdentifier(sql`fold_case(t.email)`)}`.execute(
      db,
    );
  }
}
