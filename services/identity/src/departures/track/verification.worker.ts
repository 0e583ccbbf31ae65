import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { ProofRequest } from '#libs/contracts';
import { Worker, WorkerContext } from '#libs/jobs';
import { sql } from 'kysely';
import { Catalogue } from '../../catalogue/catalogue.js';
import { RuleServices, type Broken } from '../plan/rule-services.js';

const BATCH_SIZE = 500;
/** How long a claim lasts. After a crash another replica takes over when it ends. */
const LEASE_MS = 60_000;
/** An admin waits for the result, so failures are retried soon and without a limit. */
const RETRY = { delaysMs: [2_000], retryLimit: Infinity };

interface Job {
  id: string;
  account_id: string;
  cursor: string | null;
}

type Person = ProofRequest['users'][number] & { hasLeft: boolean };

/** Works off verifications, some hundred people at a time. */
@Injectable()
export class VerificationWorker extends Worker<Job> {
  constructor(
    private readonly em: EntityManager,
    private readonly owners: RuleServices,
    private readonly catalogue: Catalogue,
    context: WorkerContext,
  ) {
    super(context, { name: 'verifications', wokenBy: ['verification'], leaseMs: LEASE_MS, retry: RETRY });
  }

  protected override async claim(limit: number): Promise<Job[]> {
    const { rows } = await sql<Job>`
      with due as materialized (
        select id from verification where status = 'running' and ${this.isPast('look_after')} order by look_after limit ${limit}
        for no key update skip locked
      )
      update verification v set look_after = ${this.leaseUntil()} from due where v.id = due.id
      returning v.id, v.account_id, v.cursor`.execute(this.db);
    return rows;
  }

  protected override async run(job: Job): Promise<void> {
    const people = await this.people(job);
    await this.record(job, people, await this.countBroken(people));
  }

  protected override async failed(job: Job): Promise<Date | undefined> {
    const retryAt = this.retryAt(0)!;
    await sql`update verification set look_after = ${retryAt} where id = ${job.id}`.execute(this.db);
    return retryAt;
  }

  protected override about({ id }: Job): object {
    return { verification: id };
  }

  /**
   * Users who have left and whose departure is not running, and those who are back: nothing that was called off may wait
   * for ever. Only the first count as checked.
   */
  private async people({ account_id: accountId, cursor }: Job): Promise<Person[]> {
    const { rows } = await sql<Person>`
      select u.id as "userId", u.lifecycle_version::float8 as "lifecycleVersion",
        u.status in ('deactivated', 'deleted') as "hasLeft" from users u
      where u.account_id = ${accountId} and (u.status in ('deactivated', 'deleted') or u.lifecycle_version > 1)
        and (${cursor}::uuid is null or u.id > ${cursor}::uuid)
        and not exists (select from departure d where d.user_id = u.id and d.status = 'running')
      order by u.id limit ${BATCH_SIZE}`.execute(this.db);
    return rows;
  }

  private async countBroken(people: readonly Person[]): Promise<Broken[]> {
    if (people.length === 0) return [];
    const users = people.map(({ userId, lifecycleVersion }) => ({ userId, lifecycleVersion }));
    const context = this.em.fork();
    const services = await context.transactional(() => this.catalogue.participants());
    const found = await Promise.all(['identity', ...services].map((service) => this.owners.broken(service, users)));
    return found.flat();
  }

  private async record(job: Job, people: readonly Person[], broken: readonly Broken[]): Promise<void> {
    const checked = people.filter((person) => person.hasLeft).length;
    await sql`
      update verification set checked = checked + ${checked}, broken = broken || ${JSON.stringify(broken)}::jsonb,
        cursor = ${people.at(-1)?.userId ?? job.cursor}::uuid, look_after = '-infinity',
        status = case when ${people.length < BATCH_SIZE} then 'completed' else 'running' end
      where id = ${job.id} and cursor is not distinct from ${job.cursor}::uuid`.execute(this.db);
  }

  private get db() {
    return this.em.fork().getKysely();
  }
}
