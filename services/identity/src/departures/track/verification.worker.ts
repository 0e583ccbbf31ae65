import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ProofRequest } from '#libs/contracts';
import { safeErrorFields } from '#libs/observability';
import { StepWorker, WorkerContext } from '#libs/jobs';
import { sql } from 'kysely';
import { Catalogue } from '../../catalogue/catalogue.js';
import { RuleServices, type Broken } from '../plan/rule-services.js';

const BATCH_SIZE = 500;
/** Milliseconds for which one replica keeps others from the same piece; a crash costs that much time. */
const LEASE_MS = 60_000;
/** Milliseconds until a service that did not answer is asked again. */
const RETRY_DELAY_MS = 2_000;

interface Job {
  id: string;
  account_id: string;
  cursor: string | null;
}

/** Works off verifications, some hundred people at a time. */
@Injectable()
export class VerificationWorker extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly owners: RuleServices,
    private readonly catalogue: Catalogue,
    context: WorkerContext,
  ) {
    super(context, { name: 'verifications' });
  }

  protected async step(): Promise<boolean> {
    const job = await this.claim();
    if (!job) return false;
    const people = await this.people(job);
    const broken = await this.countBroken(people).catch((error: unknown) => {
      this.log.warn({ people: people.length, ...safeErrorFields(error) }, 'a verification waits for a service');
      return undefined;
    });
    await this.record(job, people, broken);
    return true;
  }

  private async claim(): Promise<Job | undefined> {
    const now = this.clock.now();
    const { rows } = await sql<Job>`
      with due as materialized (
        select id from verification where status = 'running' and look_after <= ${now} order by look_after limit 1
        for no key update skip locked
      )
      update verification v set look_after = ${new Date(now.getTime() + LEASE_MS)} from due where v.id = due.id
      returning v.id, v.account_id, v.cursor`.execute(this.db);
    return rows[0];
  }

  /** Whoever has left, and whose departure is not on its way. */
  private async people({ account_id: accountId, cursor }: Job): Promise<ProofRequest['users']> {
    const { rows } = await sql<ProofRequest['users'][number]>`
      select u.id as "userId", u.lifecycle_version::float8 as "lifecycleVersion" from users u
      where u.account_id = ${accountId} and u.status in ('deactivated', 'deleted')
        and (${cursor}::uuid is null or u.id > ${cursor}::uuid)
        and not exists (select from departure d where d.user_id = u.id and d.status = 'running')
      order by u.id limit ${BATCH_SIZE}`.execute(this.db);
    return rows;
  }

  private async countBroken(people: ProofRequest['users']): Promise<Broken[]> {
    if (people.length === 0) return [];
    const context = this.em.fork();
    const services = await context.transactional(() => this.catalogue.otherServices());
    const found = await Promise.all(['identity', ...services].map((service) => this.owners.broken(service, people)));
    return found.flat();
  }

  private async record(job: Job, people: ProofRequest['users'], broken: Broken[] | undefined): Promise<void> {
    if (!broken) {
      const later = new Date(this.clock.millis() + RETRY_DELAY_MS);
      await sql`update verification set look_after = ${later} where id = ${job.id}`.execute(this.db);
      return;
    }
    await sql`
      update verification set checked = checked + ${people.length}, broken = broken || ${JSON.stringify(broken)}::jsonb,
        cursor = ${people.at(-1)?.userId ?? job.cursor}::uuid, look_after = '-infinity',
        status = case when ${people.length < BATCH_SIZE} then 'completed' else 'running' end
      where id = ${job.id} and cursor is not distinct from ${job.cursor}::uuid`.execute(this.db);
  }

  private get db() {
    return this.em.fork().getKysely();
  }
}
