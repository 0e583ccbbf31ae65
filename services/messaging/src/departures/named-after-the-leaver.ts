import { Injectable } from '@nestjs/common';
import { Forgetting, type Db, type DeletedPerson } from '#libs/lifecycle';
import { sql } from 'kysely';
import { PERSONAL_INBOX } from '../message/sending-inboxes.js';

/**
 * Removes a deleted user's name from personal inboxes, which are usually named after their owner, and the user's email
 * address from chatbots and web forms. Without a custom address these write to their user, which is another one by
 * then.
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
    const known = deleted.filter(({ addressDigest }) => addressDigest !== undefined);
    await sql`
      update ${sql.table(table)} t set email = null
      from unnest(${known.map((one) => one.accountId)}::uuid[], ${known.map((one) => one.departureId)}::uuid[],
        ${known.map((one) => one.addressDigest!)}::text[]) as n (account_id, departure_id, digest)
      where t.account_id = n.account_id and t.email is not null
        and encode(sha256(convert_to(n.departure_id || ':' || fold_case(t.email), 'UTF8')), 'hex') = n.digest`.execute(
      db,
    );
  }
}
