import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { receiversOf } from '#libs/contracts';
import { sql } from 'kysely';
import { DepartureQueries } from '../store/departure-queries.js';
import type { DueMail } from '../store/mails/departure-mails.js';

/** The most managers whom one departure is mailed to. An account rarely has more, and a mail is no mailing list. */
const MOST_MANAGERS = 50;

export interface Reader {
  userId: string;
  email: string;
  /** The rows that the reader has received. */
  received?: number;
}

/** Finds who is told of a departure: active users who have not turned the kind of mail off, and never the leaver. */
@Injectable()
export class MailReaders {
  constructor(
    private readonly em: EntityManager,
    private readonly departures: DepartureQueries,
  ) {}

  /** The requester, and the owners and admins. The requester cannot give an approval. */
  async requesterAndManagers({ account_id, user_id, requested_by, kind }: DueMail): Promise<Reader[]> {
    const manages = sql`exists (select from user_role r where r.user_id = u.id and r.role in ('owner', 'admin'))`;
    const requested = sql`u.id is not distinct from ${requested_by}::uuid`;
    const reads = kind === 'approval-wanted' ? sql`${manages} and not ${requested}` : sql`(${manages} or ${requested})`;
    const { rows } = await sql<Reader>`
      select u.id as "userId", u.email from users u
      where u.account_id = ${account_id} and u.id <> ${user_id} and ${this.wants(kind)} and ${reads}
      order by ${requested} desc, u.created_at, u.id limit ${MOST_MANAGERS + 1}`.execute(this.em.getKysely());
    return rows;
  }

  /** Those who have received rows, with how many. */
  async receivers({ account_id, user_id, departure_id }: DueMail): Promise<Reader[]> {
    const { services } = await this.departures.view(account_id, departure_id);
    const received = new Map<string, number>();
    for (const { userId, affected } of services.flatMap(({ rules }) => rules.flatMap(receiversOf)))
      if (userId !== user_id && affected > 0) received.set(userId, (received.get(userId) ?? 0) + affected);
    if (received.size === 0) return [];
    const { rows } = await sql<Reader>`
      select u.id as "userId", u.email from users u
      where u.id = any(${[...received.keys()]}::uuid[]) and u.account_id = ${account_id} and ${this.wants('handover')}`.execute(
      this.em.getKysely(),
    );
    return rows.map((row) => ({ ...row, received: received.get(row.userId)! }));
  }

  private wants(kind: DueMail['kind']) {
    return sql`u.status = 'active' and u.suspended_at is null and u.email is not null and ${kind} <> all(u.muted_mails)`;
  }
}
