import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { sql } from 'kysely';
import { Catalogue } from '../../../catalogue/catalogue.js';
import { lockAccount } from '../../../common/account-lock.js';
import { DepartureQueries } from '../../store/departure-queries.js';
import type { DepartureRow } from '../../store/departure-row.js';
import { ReopenedDepartures } from './reopened-departures.js';

/** Departures per transaction. */
const AT_ONCE = 200;

interface OnboardingRow {
  service: string;
  joining_cursor: string | null;
  /** Set for a catch-up: the service has lost the decisions since then. */
  joining_since: string | null;
  joining_departure: string | null;
}

/**
 * Reopens the departures of users who left before a service's onboarding, or the newest decisions that a restored service
 * has lost, one account after the other. The account is locked in the meantime: earlier decisions have committed by then, and
 * later ones include the service. A service without rules takes part in no departures.
 */
@Injectable()
export class ServiceOnboardingWorker extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly departures: DepartureQueries,
    private readonly reopened: ReopenedDepartures,
    private readonly catalogue: Catalogue,
    context: WorkerContext,
  ) {
    super(context, { name: 'service-onboarding', wokenBy: ['service_rules'] });
  }

  protected async step(): Promise<boolean> {
    return this.em.fork().transactional(async () => {
      const joining = await this.claim();
      if (!joining) return false;
      // Without rules there is nothing to apply. It gets earlier departures when it declares its first rules.
      if (!(await this.catalogue.participants()).includes(joining.service)) return this.end(joining.service);
      const accountId = await this.accountAfter(joining.joining_cursor);
      if (!accountId) return this.end(joining.service);
      await lockAccount(this.em, accountId);
      const more = joining.joining_since
        ? await this.republish(joining, joining.joining_since, accountId)
        : await this.onboard(joining, accountId);
      if (!more) await this.moveOn(joining.service, accountId);
      return true;
    });
  }

  /** Departures found once are not found again, because the service is part of them then. */
  private async onboard({ service }: OnboardingRow, accountId: string): Promise<boolean> {
    const without = await this.departures.withoutService(service, accountId, AT_ONCE);
    await this.reopened.open(accountId, service, without);
    return without.length === AT_ONCE;
  }

  private async republish({ service, joining_departure: after }: OnboardingRow, since: string, accountId: string) {
    const forgotten = await this.departures.answeredSince(service, { accountId, since, after, limit: AT_ONCE });
    await this.reopened.reopen(service, forgotten);
    await this.count(service, forgotten);
    return forgotten.length === AT_ONCE;
  }

  /** Skips services that another replica works on. */
  private async claim(): Promise<OnboardingRow | undefined> {
    const { rows } = await sql<OnboardingRow>`
      select service, joining_cursor, joining_since, joining_departure from service_rules
      where joining = 'catching-up' order by service limit 1 for no key update skip locked`.execute(
      this.em.getKysely(),
    );
    return rows[0];
  }

  private async accountAfter(cursor: string | null): Promise<string | undefined> {
    const { rows } = await sql<{ id: string }>`
      select id from account where ${cursor}::uuid is null or id > ${cursor}::uuid order by id limit 1`.execute(
      this.em.getKysely(),
    );
    return rows[0]?.id;
  }

  private async count(service: string, reopened: readonly DepartureRow[]): Promise<void> {
    const last = reopened.at(-1)?.id ?? null;
    await sql`
      update service_rules set joining_departure = ${last}::uuid, joining_reopened = joining_reopened + ${reopened.length}
      where service = ${service}`.execute(this.em.getKysely());
  }

  private async moveOn(service: string, accountId: string): Promise<void> {
    await sql`
      update service_rules set joining_cursor = ${accountId}, joining_departure = null where service = ${service}`.execute(
      this.em.getKysely(),
    );
  }

  private async end(service: string): Promise<boolean> {
    const { rows } = await sql<{ joining_reopened: number }>`
      update service_rules set joining = null, joining_cursor = null, joining_since = null where service = ${service}
      returning joining_reopened`.execute(this.em.getKysely());
    this.log.info({ joined: service, reopened: rows[0]!.joining_reopened }, 'service onboarded');
    return true;
  }
}
