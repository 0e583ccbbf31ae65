import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { endsWithin, StepWorker, WorkerContext } from '#libs/jobs';
import { safeErrorFields } from '#libs/observability';
import { sql } from 'kysely';
import { sha256 } from '../common/secrets.js';
import { Audit, type NewEntry } from './audit.js';

/** Something that can happen often. */
export interface Occurrence extends Pick<NewEntry, 'accountId' | 'action' | 'actorId' | 'system' | 'subjectId'> {
  /** Whether the trail shows how often it happened: with the first time in an hour, the 10th, the 100th and so on. */
  counted?: true;
}

interface Waiting {
  occurrence: Occurrence;
  count: number;
}

const HOUR_MS = 3_600_000;
const BATCH_SIZE = 500;
/** Limit for memory; what exceeds it while the database is away is not recorded. */
const MAX_WAITING = 50_000;
const FLUSH_TIMEOUT_MS = 1_000;

/**
 * Records in the audit trail what happens too often for an entry each: one entry an hour for the same action of the same
 * user on the same subject. It is written a few seconds later, so that a caller cannot measure whether there is an entry.
 */
@Injectable()
export class Occurrences extends StepWorker {
  private waiting = new Map<string, Waiting>();
  private dropped = 0;

  constructor(
    private readonly em: EntityManager,
    private readonly audit: Audit,
    context: WorkerContext,
  ) {
    super(context, { name: 'audit-occurrences', pollMs: 5_000 });
  }

  /** Returns at once. A crash loses the occurrences of the last seconds. */
  record(occurrence: Occurrence): void {
    const { accountId, action, actorId, system, subjectId } = occurrence;
    const key = sha256(JSON.stringify([accountId, action, actorId, system, subjectId])).toString('hex');
    this.add(key, { occurrence, count: 1 });
  }

  protected async step(): Promise<boolean> {
    const batch = [...this.waiting].slice(0, BATCH_SIZE);
    if (batch.length === 0) return false;
    for (const [key] of batch) this.waiting.delete(key);
    try {
      await this.em.fork().transactional(() => this.write(new Map(batch)));
    } catch (error) {
      for (const [key, waiting] of batch) this.add(key, waiting);
      throw error;
    }
    if (this.dropped > 0)
      this.log.warn({ occurrences: this.dropped }, 'occurrences were not recorded in the audit trail');
    this.dropped = 0;
    return this.waiting.size > 0;
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    const flushed = this.step().catch((error: unknown) =>
      this.log.warn(safeErrorFields(error), 'the last occurrences were not recorded in the audit trail'),
    );
    await endsWithin(flushed, FLUSH_TIMEOUT_MS);
  }

  private add(key: string, { occurrence, count }: Waiting): void {
    const known = this.waiting.get(key);
    if (known) known.count += count;
    else if (this.waiting.size < MAX_WAITING) this.waiting.set(key, { occurrence, count });
    else this.dropped += count;
  }

  private async write(batch: ReadonlyMap<string, Waiting>): Promise<void> {
    const db = this.em.getKysely();
    const hour = new Date(Math.floor(this.clock.millis() / HOUR_MS) * HOUR_MS);
    const keys = [...batch.keys()].sort();
    await sql`delete from audit_window where hour < ${hour}`.execute(db);
    const { rows } = await sql<{ key: string; count: number }>`
      insert into audit_window as w (key, hour, count)
      select key, ${hour}, count from unnest(${keys}::text[], ${keys.map((key) => batch.get(key)!.count)}::bigint[]) n (key, count)
      on conflict (key) do update set hour = excluded.hour,
        count = case when w.hour = excluded.hour then w.count + excluded.count else excluded.count end
      returning key, count::float8`.execute(db);
    await this.audit.append(
      rows.flatMap(({ key, count }) => {
        const { occurrence, count: added } = batch.get(key)!;
        return isDue(occurrence, count - added, count) ? [entryOf(occurrence, count)] : [];
      }),
    );
  }
}

function isDue({ counted }: Occurrence, before: number, now: number): boolean {
  if (before === 0) return true;
  return counted !== undefined && String(now).length > String(before).length;
}

/** No detail that a deletion would have to erase: an entry that comes later must not change what its preview has counted. */
function entryOf({ counted, ...entry }: Occurrence, count: number): NewEntry {
  return { ...entry, ...(counted && { detail: { attempts: count } }) };
}
