import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Log } from '#libs/broker';
import { Worker } from '#libs/lifecycle';
import { sql } from 'kysely';
import { lockAccount } from '../account/account-lock.js';
import { DepartureRows } from '../departures/departure-rows.js';
import { LateDepartures } from './late-departures.js';

/** Departures in one transaction. */
const AT_ONCE = 200;

interface Joining {
  service: string;
  joining_cursor: string | null;
}

/**
 * Brings those who have left to a service that came later, one account after the other. An account is locked meanwhile:
 * what was decided in it without the service is over by then, and what comes next counts on it.
 */
@Injectable()
export class JoiningWorker extends Worker {
  constructor(
    private readonly em: EntityManager,
    private readonly departures: DepartureRows,
    private readonly late: LateDepartures,
    log: Log,
  ) {
    super(log);
  }

  protected async step(): Promise<boolean> {
    return this.em.fork().transactional(async () => {
      const joining = await this.claim();
      if (!joining) return false;
      const { service, joining_cursor: cursor } = joining;
      const accountId = await this.accountAfter(cursor);
      if (!accountId) return this.end(service);
      await lockAccount(this.em, accountId);
      const without = await this.departures.without(service, accountId, AT_ONCE);
      await this.late.open(accountId, service, without);
      if (without.length < AT_ONCE) await this.moveOn(service, accountId);
      return true;
    });
  }

  /** Another replica may be at work on another service. */
  private async claim(): Promise<Joining | undefined> {
    const { rows } = await sql<Joining>`
      select service, joining_cursor from service_rules where joining = 'catching-up' order by service limit 1
      for no key update skip locked`.execute(this.em.getKysely());
    return rows[0];
  }

  private async accountAfter(cursor: string | null): Promise<string | undefined> {
    const { rows } = await sql<{ id: string }>`
      select id from account where ${cursor}::uuid is null or id > ${cursor}::uuid order by id limit 1`.execute(
      this.em.getKysely(),
    );
    return rows[0]?.id;
  }

  private async moveOn(service: string, accountId: string): Promise<void> {
    await sql`update service_rules set joining_cursor = ${accountId} where service = ${service}`.execute(
      this.em.getKysely(),
    );
  }

  private async end(service: string): Promise<boolean> {
    await sql`update service_rules set joining = null, joining_cursor = null where service = ${service}`.execute(
      this.em.getKysely(),
    );
    this.log.info({ joined: service }, 'a service has joined');
    return true;
  }
}
