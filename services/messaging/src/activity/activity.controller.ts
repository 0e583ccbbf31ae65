import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { sql, type RawBuilder } from 'kysely';
import { Answers, Handles } from '#libs/broker';
import {
  activityLines,
  messageActivity,
  MOST_USERS_SHOWN,
  type ActivityQuery,
  type CallOf,
  type MessageActivity,
  type UserActivity,
} from '#libs/contracts';
import { Directory } from '#libs/database';
import { csvLine } from '#libs/csv';

const PAGE_SIZE = 1_000;
const HEADING = ['messageId', 'sentAt', 'deliveredAt', 'repliedAt', 'userId', 'user', 'inboxId', 'contactId'];

type Counts = Pick<MessageActivity, 'sent' | 'delivered' | 'replied'>;

interface ExportRow {
  id: string;
  message_id: string;
  user_id: string;
  inbox_id: string;
  contact_id: string;
  sent_at: string;
  delivered_at: string | null;
  replied_at: string | null;
}

@Controller()
export class ActivityController {
  constructor(
    private readonly em: EntityManager,
    private readonly directory: Directory,
  ) {}

  @Handles(messageActivity)
  async report({ principal, query }: CallOf<typeof messageActivity>): Promise<MessageActivity> {
    const entries = sql`message_activity e where ${matching(principal.accountId, query)}`;
    const { rows } = await sql<Record<keyof Counts, string>>`select ${counts} from ${entries}`.execute(
      this.em.getKysely(),
    );
    const total = toCounts(rows[0]!);
    const rate = (part: number) => (total.sent === 0 ? 0 : part / total.sent);
    const rates = { deliveryRate: rate(total.delivered), replyRate: rate(total.replied) };
    return { ...total, ...rates, users: await this.perUser(entries) };
  }

  /** Counts per user. Deleted users are left out; they are only in the totals. */
  private async perUser(entries: RawBuilder<unknown>): Promise<UserActivity[]> {
    const { rows } = await sql<Record<keyof Counts, string> & { user_id: string }>`
      select user_id, ${counts} from ${entries}
        and not exists (select 1 from directory d where d.user_id = e.user_id and d.status = 'deleted')
      group by user_id order by count(*) filter (where kind = 'sent') desc, user_id limit ${MOST_USERS_SHOWN}`.execute(
      this.em.getKysely(),
    );
    const views = await this.directory.views(rows.map((row) => row.user_id));
    return rows.map((row) => ({ user: views.get(row.user_id)!, ...toCounts(row) }));
  }

  @Answers(activityLines)
  async lines({ accountId, filter, after }: { accountId: string; filter: ActivityQuery; after: string | null }) {
    const { rows } = await sql<ExportRow>`
      select e.id, e.message_id, e.user_id, e.inbox_id, e.contact_id, e.sent_at, d.at as delivered_at, r.at as replied_at
      from message_activity e
        left join message_activity d on d.message_id = e.message_id and d.kind = 'delivered'
        left join message_activity r on r.message_id = e.message_id and r.kind = 'replied'
      where ${matching(accountId, filter)} and e.kind = 'sent' and e.id > ${after ?? '00000000-0000-0000-0000-000000000000'}::uuid
      order by e.id limit ${PAGE_SIZE}`.execute(this.em.getKysely());
    const views = await this.directory.views(rows.map((row) => row.user_id));
    const lines = rows.map((row) => {
      const times = [row.sent_at, row.delivered_at, row.replied_at].map(toIso);
      return [row.message_id, ...times, row.user_id, views.get(row.user_id)!.name, row.inbox_id, row.contact_id];
    });
    const next = rows.length < PAGE_SIZE ? null : rows.at(-1)!.id;
    return { lines: [...(after ? [] : [HEADING]), ...lines].map(csvLine).join(''), next };
  }
}

const counts = sql.raw(
  (['sent', 'delivered', 'replied'] as const)
    .map((kind) => `count(*) filter (where e.kind = '${kind}') as ${kind}`)
    .join(', '),
);

/** The condition for entries `e` of the account that match the filter. */
function matching(accountId: string, { from, to, teamId }: ActivityQuery): RawBuilder<unknown> {
  const conditions = [sql`e.account_id = ${accountId}`];
  if (from) conditions.push(sql`e.sent_at >= ${from}::timestamptz`);
  if (to) conditions.push(sql`e.sent_at < ${to}::timestamptz`);
  if (teamId) conditions.push(sql`${teamId}::uuid = any(e.team_ids)`);
  return sql.join(conditions, sql` and `);
}

const toCounts = ({ sent, delivered, replied }: Record<keyof Counts, string>): Counts => ({
  sent: Number(sent),
  delivered: Number(delivered),
  replied: Number(replied),
});

/** Kysely returns times as text. */
const toIso = (time: string | null): string => (time ? new Date(time).toISOString() : '');
