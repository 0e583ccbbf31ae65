import type { ImportSourceResult, SourceError, SourceKind } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import type { Db } from '#libs/lifecycle';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql, type RawBuilder } from 'kysely';
import { actsForSomebody } from './source-owners.js';

/** Sources of one account that are polled at the same time, so that slow servers do not hold up other accounts. */
const ACCOUNT_CONCURRENCY = 2;

type Condition = RawBuilder<unknown>;

/** A run that has claimed a source. */
export interface SourceRun {
  id: string;
  runId: string;
}

/** A source that is due, and the run that has claimed it. */
export interface Claimed extends SourceRun {
  accountId: string;
  kind: SourceKind;
  host: string;
  port: number;
  path: string;
  username: string;
  password: string;
  hostKey: string | null;
  userIdField: string | null;
  unfinished: ImportSourceResult | null;
  /** Consecutive failures so far. */
  failures: number;
}

/** Why a source cannot be used. */
export interface Fault {
  code: SourceError | 'internal';
  offeredHostKey?: string;
}

/**
 * Decides which source is polled next. Replicas share the sources with `skip locked` and hold them by a lease. A run
 * that has lost its lease to another one can no longer change the source.
 */
@Injectable()
export class SourceSchedule {
  constructor(
    private readonly em: EntityManager,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  /** @param claimable SQL conditions: the source is due, and nobody holds it any more */
  async claim(
    leaseUntil: Date,
    claimable: { due: Condition; leaseOver: (column: string) => Condition },
  ): Promise<Claimed[]> {
    const now = this.clock.now();
    const { rows } = await sql<Claimed>`
      update import_source set run_id = ${this.ids.next()}, lease_until = ${leaseUntil},
        due_at = ${now}::timestamptz + every_minutes * interval '1 minute'
      where id = (
        select id from import_source s
        where active and ${actsForSomebody} and ${claimable.due} and (lease_until is null or ${claimable.leaseOver('lease_until')})
          and (select count(*) from import_source o
            where o.account_id = s.account_id and o.lease_until is not null and not ${claimable.leaseOver('o.lease_until')})
            < ${ACCOUNT_CONCURRENCY}::int
        order by due_at limit 1 for update skip locked)
      returning id, account_id as "accountId", run_id as "runId", kind, host, port, path, username, password,
        host_key as "hostKey", user_id_field as "userIdField", unfinished, failures`.execute(this.db());
    return rows;
  }

  async renew(run: Claimed, leaseUntil: Date): Promise<void> {
    await sql`update import_source set lease_until = ${leaseUntil} where ${held(run)}`.execute(this.db());
  }

  /** Whether the run may go on: it has not lost its claim, and the source acts for somebody. */
  async mayContinue(run: Claimed): Promise<boolean> {
    const { rows } = await sql`
      select 1 from import_source s where ${held(run)} and active and ${actsForSomebody}`.execute(this.db());
    return rows.length > 0;
  }

  /** From now on no other host key is accepted. */
  async pin(run: Claimed, hostKey: string): Promise<void> {
    await sql`update import_source set host_key = ${hostKey} where ${held(run)} and host_key is null`.execute(
      this.db(),
    );
  }

  /** Ends the run. @param again milliseconds until the next run, unless one is due earlier */
  async finish(
    run: Claimed,
    { result, error, again }: { result: ImportSourceResult; error: SourceError | null; again?: number },
  ): Promise<void> {
    await sql`
      update import_source set run_id = null, lease_until = null, unfinished = null, failures = 0, offered_host_key = null,
        last_run_at = ${this.clock.now()}, last_result = ${JSON.stringify(result)}::jsonb, last_error = ${error},
        due_at = least(due_at, ${again === undefined ? null : this.after(again)}::timestamptz)
      where ${held(run)}`.execute(this.db());
  }

  /** Ends the run for now and saves its result so far. @param again milliseconds until it continues */
  async postpone(run: Claimed, unfinished: ImportSourceResult | null, again: number): Promise<void> {
    await sql`
      update import_source set run_id = null, lease_until = null, unfinished = ${unfinished && JSON.stringify(unfinished)}::jsonb,
        due_at = least(due_at, ${this.after(again)}::timestamptz)
      where ${held(run)}`.execute(this.db());
  }

  /** @param retryAt when the source is polled again; undefined deactivates it */
  async fail(run: Claimed, { code, offeredHostKey }: Fault, retryAt: Date | undefined): Promise<void> {
    await sql`
      update import_source set run_id = null, lease_until = null, unfinished = null, failures = failures + 1,
        offered_host_key = ${offeredHostKey ?? null}, last_run_at = ${this.clock.now()}, last_result = null, last_error = ${code},
        active = active and ${retryAt !== undefined},
        due_at = case when due_at <= ${this.clock.now()} then due_at
          else coalesce(${retryAt ?? null}::timestamptz, due_at) end
      where ${held(run)}`.execute(this.db());
  }

  private after(milliseconds: number): Date {
    return new Date(this.clock.millis() + milliseconds);
  }

  private db(): Db {
    return this.em.fork().getKysely();
  }
}

/** SQL condition: the run still has the source. A change of the source, or another run after the lease ran out, ends that. */
export const held = ({ id, runId }: SourceRun) => sql`id = ${id} and run_id = ${runId}`;
