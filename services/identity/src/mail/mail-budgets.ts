import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { canonical, foldCase } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { createHmac } from 'node:crypto';
import { IdentityConfig } from '../identity.config.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Rows without meaning that one mail deletes, so that the table stays small without a worker. */
const SWEPT_ROWS = 20;

/** Mails about departures have a budget of their own, so that they never hold up a reset or a mail about security. */
export type Budget = 'access' | 'departures';

/**
 * Limits the mails to one mailbox from all accounts, operations and gateways together. Each mail moves two moments
 * forward, by its share of an hour and of a day; the budget is used up when one of them is a whole hour or day ahead.
 */
@Injectable()
export class MailBudgets {
  constructor(
    private readonly em: EntityManager,
    private readonly config: IdentityConfig,
    private readonly clock: Clock,
  ) {}

  /** Uses one mail of the mailbox's budget, outside of any transaction. @returns false if the budget is used up */
  async take(address: string, budget: Budget = 'access'): Promise<boolean> {
    const db = this.em.fork().getKysely();
    const now = this.clock.now();
    const after = (ms: number) => new Date(now.getTime() + ms);
    const [hourly, daily] = [HOUR_MS / this.config.mailsPerHour, DAY_MS / this.config.mailsPerDay];
    const seconds = (ms: number) => sql`make_interval(secs => ${ms / 1_000})`;
    await sql`
      delete from mail_budget where mailbox in (
        select mailbox from mail_budget where day_until < ${now} limit ${SWEPT_ROWS} for update skip locked)`.execute(
      db,
    );
    const { rows } = await sql`
      insert into mail_budget as b (mailbox, hour_until, day_until)
      values (${this.keyOf(address, budget)}, ${after(hourly)}, ${after(daily)})
      on conflict (mailbox) do update set
        hour_until = greatest(b.hour_until, ${now}) + ${seconds(hourly)},
        day_until = greatest(b.day_until, ${now}) + ${seconds(daily)}
      where greatest(b.hour_until, ${now}) <= ${after(HOUR_MS - hourly)}
        and greatest(b.day_until, ${now}) <= ${after(DAY_MS - daily)}
      returning 1`.execute(db);
    return rows.length > 0;
  }

  /** A keyed digest, because the table must not tell who was written to. Mail to `ada+x@…` reaches the mailbox of `ada@…`. */
  private keyOf(address: string, budget: Budget): Buffer {
    const mailbox = foldCase(canonical(address)).replace(/\+[^@]*(?=@)/, '');
    return createHmac('sha256', this.config.leaverSecret)
      .update(`${budget === 'access' ? 'mailbox' : budget} ${mailbox}`)
      .digest();
  }
}
