import type { ImportSourceResult, SourceError, SourceKind } from '#libs/contracts';
import { Clock, Ids } from '#libs/database';
import type { Db } from '#libs/lifecycle';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';

/** Milliseconds after which a run that gives no sign of life has lost its source to another. */
export const LEASE = 60_000;
const [MINUTE, HOUR] = [60_000, 3_600_000];
/** How long to wait after each failure in a row. After one more the source is deactivated. */
const RETRY_AFTER = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, 24 * HOUR];

/** A source that is due, and the run that has it. */
export interface Claimed {
  id: string;
  accountId: string;
  runId: string;
  kind: SourceKind;
  host: string;
  port: number;
  path: string;
  username: string;
  password: string;
  hostKey: string | null;
  userIdField: string | null;
  unfinished: ImportSourceResult | null;
}

/** Whose turn it is. Replicas share the sources by `skip locked` and hold them by a lease; a run that has lost its own changes nothing. */
@Injectable()
export class SourceSchedule {
  constructor(
    private readonly em: EntityManager,
    private readonly ids: Ids,
    private readonly clock: Clock,
  ) {}

  async claim(): Promise<Claimed | undefined> {
    const now = this.clock.now();
    const { rows } = await sql<Claimed>`
      update import_source set run_id = ${this.ids.next()}, lease_until = ${this.leaseEnd()},
        due_at = ${now}::timestamptz + every_minutes * interval '1 minute'
      where id = (
        select id from import_source
        where active and due_at <= ${now} and (lease_until is null or lease_until <= ${now})
        order by due_at limit 1 for update skip locked)
      returning id, account_id as "accountId", run_id as "runId", kind, host, port, path, username, password,
        host_key as "hostKey", user_id_field as "userIdField", unfinished`.execute(this.db());
    return rows[0];
  }

  async renew(run: Claimed): Promise<void> {
    await sql`update import_source set lease_until = ${this.leaseEnd()} where ${held(run)}`.execute(this.db());
  }

  /** From now on no other host key will do. */
  async pin(run: Claimed, hostKey: string): Promise<void> {
    await sql`update import_source set host_key = ${hostKey} where ${held(run)} and host_key is null`.execute(
      this.db(),
    );
  }

  /** The look is over. @param again milliseconds after which the next one is worth its while, should none be due earlier */
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

  /** The look goes on later, with what it has come to so far. */
  async postpone(run: Claimed, unfinished: ImportSourceResult | null, again: number): Promise<void> {
    await sql`
      update import_source set run_id = null, lease_until = null, unfinished = ${unfinished && JSON.stringify(unfinished)}::jsonb,
        due_at = least(due_at, ${this.after(again)}::timestamptz)
      where ${held(run)}`.execute(this.db());
  }

  /** @returns whether the source is still active */
  async fail(run: Claimed, error: SourceError, offeredHostKey: string | null): Promise<boolean> {
    const pauses = RETRY_AFTER.map((pause) => this.after(pause));
    const { rows } = await sql<{ active: boolean }>`
      update import_source set run_id = null, lease_until = null, unfinished = null, failures = failures + 1,
        offered_host_key = ${offeredHostKey}, last_run_at = ${this.clock.now()}, last_result = null, last_error = ${error},
        active = active and failures < ${pauses.length},
        due_at = case when due_at <= ${this.clock.now()} then due_at
          else coalesce((${pauses}::timestamptz[])[failures + 1], due_at) end
      where ${held(run)} returning active`.execute(this.db());
    return rows[0]?.active ?? false;
  }

  private after(milliseconds: number): Date {
    return new Date(this.clock.millis() + milliseconds);
  }

  private leaseEnd(): Date {
    return this.after(LEASE);
  }

  private db(): Db {
    return this.em.fork().getKysely();
  }
}

const held = ({ id, runId }: Claimed) => sql`id = ${id} and run_id = ${runId}`;
