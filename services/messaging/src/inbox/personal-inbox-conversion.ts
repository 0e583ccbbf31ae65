import { Injectable } from '@nestjs/common';
import { Ids } from '#libs/database';
import {
  InboxConversion,
  membersOf,
  type ConversionWarning,
  type Converting,
  type Db,
  type Members,
} from '#libs/lifecycle';
import { sql } from 'kysely';

/** Turns a leaver's personal inbox into a shared one. No thread moves: the inbox changes its kind. */
@Injectable()
export class PersonalInboxConversion extends InboxConversion {
  constructor(private readonly ids: Ids) {
    super();
  }

  override async convert(db: Db, converting: readonly Converting[], now: Date): Promise<ConversionWarning[]> {
    const members = await membersOf(db, converting);
    const warnings: ConversionWarning[] = [];
    for (const one of converting) {
      const { userIds, warning } = members.get(one.userId)!;
      const inboxIds = await this.share(db, one, now);
      await this.addMembers(db, one.accountId, inboxIds, userIds);
      await this.sendOnSchedule(db, inboxIds, now);
      if (warning) warnings.push({ userId: one.userId, rule: 'messaging.inbox-memberships', warning });
    }
    return warnings;
  }

  /**
   * Numbers additional inboxes of the user. Creates an empty inbox if the user had none.
   * @returns ids of the inboxes
   */
  private async share(db: Db, { accountId, userId, inboxId, name }: Converting, now: Date): Promise<string[]> {
    const { rows } = await sql<{ id: string }>`
      update message_inbox i set kind = 'shared', owner_id = null, open_to_all = false,
        name = case when i.id = ${inboxId} then ${name} else ${name} || ' ' || n.place end
      from (
        select id, row_number() over (order by id <> ${inboxId}::uuid, id) as place from message_inbox
        where owner_id = ${userId} and account_id = ${accountId}) n
      where i.id = n.id returning i.id`.execute(db);
    await sql`
      insert into message_inbox (id, account_id, kind, name, open_to_all, created_at)
      values (${inboxId}, ${accountId}, 'shared', ${name}, false, ${now}) on conflict do nothing`.execute(db);
    return [...new Set([inboxId, ...rows.map((row) => row.id)])];
  }

  private async addMembers(db: Db, accountId: string, inboxIds: string[], userIds: Members['userIds']): Promise<void> {
    for (const inboxId of inboxIds) {
      await sql`
        insert into inbox_member (id, account_id, inbox_id, user_id)
        select n.id, ${accountId}, ${inboxId}, n.user_id
        from unnest(${userIds.map(() => this.ids.next())}::uuid[], ${userIds}::uuid[]) as n (id, user_id)
        on conflict do nothing`.execute(db);
    }
  }

  /** Scheduled and held messages now belong to the user who scheduled them; those still to come are sent. */
  private async sendOnSchedule(db: Db, inboxIds: string[], now: Date): Promise<void> {
    await sql`
      update scheduled_message
      set owner_id = scheduled_by, status = case when at > ${now} then 'scheduled' else status end
      where inbox_id = any(${inboxIds}::uuid[]) and status in ('scheduled', 'held')`.execute(db);
  }
}
