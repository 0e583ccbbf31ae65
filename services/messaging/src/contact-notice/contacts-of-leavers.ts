import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { DAYS_TO_TELL } from '#libs/contracts';
import { Ids, relationOf } from '#libs/database';
import { ContactNotices, type Db, type TellingLeaver } from '#libs/lifecycle';

const DAY = 86_400_000;

interface Reached {
  user_id: string;
  contact_id: string;
  inbox_id: string;
}

/**
 * Records a notice for each contact that a preview would count as to tell. A repeated decision adds none, so contacts who have
 * written since get no text.
 */
@Injectable()
export class ContactsOfLeavers extends ContactNotices {
  constructor(private readonly ids: Ids) {
    super();
  }

  override async record(db: Db, leavers: readonly TellingLeaver[], now: Date): Promise<void> {
    const since = new Date(now.getTime() - DAYS_TO_TELL * DAY);
    const telling = relationOf(
      'n',
      leavers.map(({ accountId, userId, lifecycleVersion }) => ({
        account_id: accountId,
        user_id: userId,
        lifecycle_version: lifecycleVersion,
      })),
      { account_id: 'uuid', user_id: 'uuid', lifecycle_version: 'bigint' },
    );
    const { rows } = await sql<Reached>`
      select distinct on (n.user_id, m.contact_id) n.user_id, m.contact_id, m.inbox_id
      from ${telling}
      join message_inbox i on i.owner_id = n.user_id and i.account_id = n.account_id and i.kind = 'personal'
      join message m on m.inbox_id = i.id and m.created_at >= ${since}
      where not exists (
        select from contact_notice c where c.leaver_id = n.user_id and c.lifecycle_version = n.lifecycle_version)
      order by n.user_id, m.contact_id, m.created_at desc, m.id desc`.execute(db);
    await this.insert(db, leavers, rows, now);
  }

  private async insert(db: Db, leavers: readonly TellingLeaver[], reached: readonly Reached[], now: Date) {
    const byUser = Map.groupBy(reached, (row) => row.user_id);
    for (const { accountId, userId, departureId, lifecycleVersion, text, alternativeNumber } of leavers) {
      const own = byUser.get(userId) ?? [];
      if (own.length === 0) continue;
      await sql`
        insert into contact_notice (id, account_id, leaver_id, lifecycle_version, departure_id, inbox_id, contact_id, text, status,
          due_at, created_at)
        select n.id, ${accountId}, ${userId}, ${lifecycleVersion}, ${departureId}, n.inbox_id, n.contact_id,
          ${alternativeNumber ? `${text}\n${alternativeNumber}` : text}, 'pending', ${now}, ${now}
        from unnest(${own.map(() => this.ids.next())}::uuid[], ${own.map((row) => row.inbox_id)}::uuid[],
          ${own.map((row) => row.contact_id)}::uuid[]) as n (id, inbox_id, contact_id)
        on conflict do nothing`.execute(db);
    }
  }
}
