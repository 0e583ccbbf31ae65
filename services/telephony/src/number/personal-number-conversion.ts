import { Injectable } from '@nestjs/common';
import { InboxConversion, membersOf, type ConversionWarning, type Converting, type Db } from '#libs/lifecycle';
import { sql } from 'kysely';

/**
 * Turns a leaver's own numbers, including quarantined ones, into shared numbers of the inbox. If another user answers
 * one, that stays so.
 */
@Injectable()
export class PersonalNumberConversion extends InboxConversion {
  override async convert(db: Db, converting: readonly Converting[]): Promise<ConversionWarning[]> {
    const members = await membersOf(db, converting);
    const rows = converting.map(({ accountId, userId, inboxId }) => ({
      account_id: accountId,
      user_id: userId,
      inbox_id: inboxId,
      answering: members.get(userId)!.userIds[0],
    }));
    await sql`
      update phone_number n set kind = 'shared', state = 'assigned', owner_id = null, inbox_id = c.inbox_id,
        destination_user_id = coalesce(nullif(n.destination_user_id, c.user_id), c.answering),
        quarantined_from_id = null, release_at = null
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as c (account_id uuid, user_id uuid, inbox_id uuid, answering uuid)
      where n.account_id = c.account_id and (n.owner_id = c.user_id or (n.quarantined_from_id = c.user_id and n.kind = 'personal'))`.execute(
      db,
    );
    return converting.flatMap(({ userId }) => {
      const { warning } = members.get(userId)!;
      return warning ? [{ userId, rule: 'telephony.numbers', warning }] : [];
    });
  }
}
