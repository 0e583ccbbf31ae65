import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DepartureMailKind, DepartureTransition } from '#libs/contracts';
import { Clock } from '#libs/database';
import { isPast } from '#libs/jobs';
import { sql } from 'kysely';
import { LEASE_MS } from '../departure-claims.js';

/** How long before a return people are reminded of it. */
const REMINDER_MS = 3 * 86_400_000;

/** What people are to be told of a departure. */
export interface DueMail {
  departure_id: string;
  kind: DepartureMailKind;
  round: number;
  requested_at: string;
  account_id: string;
  user_id: string;
  transition: DepartureTransition;
  requested_by: string | null;
  effective_at: string;
  /** Whether it is the return from a departure, or the erasure after one: the departure announces it. */
  follows: boolean;
  in_list: boolean;
}

/** The mails about departures that `TransitionLog` asks for, until they have been written. */
@Injectable()
export class DepartureMails {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
  ) {}

  /** Claims mails. Does not use the caller's transaction. */
  async claim(limit: number, leaseUntil: Date): Promise<DueMail[]> {
    const { rows } = await sql<DueMail>`
      with due as materialized (
        select departure_id, kind, round from departure_mail
        where not sent and ${isPast(this.clock.now(), 'look_after', LEASE_MS)} order by look_after limit ${limit}
        for no key update skip locked
      )
      update departure_mail m set look_after = ${leaseUntil} from due, departure d
      where (m.departure_id, m.kind, m.round) = (due.departure_id, due.kind, due.round) and d.id = m.departure_id
      returning m.departure_id, m.kind, m.round, m.requested_at, d.account_id, d.user_id, d.transition, d.requested_by,
        d.effective_at, num_nonnulls(d.returns_from, d.erases_from) > 0 as follows,
        exists (select from bulk_departure_row r where r.departure_id = d.id) as in_list`.execute(
      this.em.fork().getKysely(),
    );
    return rows;
  }

  /** In the caller's transaction, which writes the mails. @returns false if another replica has written them */
  async markSent({ departure_id: id, kind, round }: DueMail): Promise<boolean> {
    const { rows } = await sql`
      update departure_mail set sent = true
      where departure_id = ${id} and kind = ${kind} and round = ${round} and not sent returning kind`.execute(
      this.em.getKysely(),
    );
    return rows.length > 0;
  }

  async retryAt({ departure_id: id, kind, round }: DueMail, at: Date): Promise<void> {
    await sql`
      update departure_mail set look_after = ${at}
      where departure_id = ${id} and kind = ${kind} and round = ${round} and not sent`.execute(
      this.em.fork().getKysely(),
    );
  }

  /** Asks for the reminders of returns, once for each. */
  async remindOfReturns(): Promise<void> {
    const now = this.clock.now();
    await sql`
      insert into departure_mail (departure_id, kind, round, requested_at)
      select id, 'return-reminder', 0, ${now} from departure
      where status = 'scheduled' and transition = 'reactivated'
        and effective_at > ${now} and effective_at <= ${new Date(now.getTime() + REMINDER_MS)}
        and requested_at < effective_at - make_interval(secs => ${REMINDER_MS / 1_000})
      on conflict do nothing`.execute(this.em.fork().getKysely());
  }
}
