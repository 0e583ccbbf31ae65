import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { ServiceClient } from '#libs/broker';
import { isManager, recordAccess, type DataAccess, type Principal } from '#libs/contracts';
import { StepWorker, WorkerContext } from '#libs/jobs';

const HOUR_MS = 3_600_000;
const BATCH_SIZE = 500;
/** Limit for memory: reads that exceed it are not reported. */
const MAX_KEPT = 50_000;

/**
 * Reports to identity's audit trail when managers read conversations or messages, sent or scheduled, in the personal inboxes of others: once an
 * hour for each reader and owner. Reads are reported a few seconds later, so that they do not depend on identity.
 */
@Injectable()
export class InboxReads extends StepWorker {
  private readonly waiting = new Map<string, DataAccess>();
  private readonly reported = new Set<string>();
  private hour = 0;
  private dropped = 0;

  constructor(
    private readonly em: EntityManager,
    private readonly client: ServiceClient,
    context: WorkerContext,
  ) {
    super(context, { name: 'inbox-reads', pollMs: 5_000 });
  }

  /** @param inboxIds the inboxes of the rows that the caller gets */
  async record(principal: Principal, inboxIds: readonly string[]): Promise<void> {
    if (inboxIds.length === 0 || !isManager(principal)) return;
    const { accountId, userId: actorId } = principal;
    const { rows } = await sql<{ owner_id: string }>`
      select distinct owner_id from message_inbox
      where id = any(${[...new Set(inboxIds)]}::uuid[]) and owner_id <> ${actorId}`.execute(this.em.getKysely());
    this.forgetLastHour();
    for (const { owner_id: subjectId } of rows)
      this.add({ action: 'personal-inbox.read', accountId, actorId, subjectId });
  }

  protected async step(): Promise<boolean> {
    const batch = [...this.waiting].slice(0, BATCH_SIZE);
    if (batch.length === 0) return false;
    await this.client.ask(recordAccess, { accesses: batch.map(([, access]) => access) });
    for (const [key] of batch) {
      this.waiting.delete(key);
      this.reported.add(key);
    }
    if (this.dropped > 0) this.log.warn({ reads: this.dropped }, 'reads of personal inboxes were not reported');
    this.dropped = 0;
    return this.waiting.size > 0;
  }

  private add(access: DataAccess): void {
    const key = `${access.actorId} ${access.subjectId}`;
    if (this.reported.has(key) || this.waiting.has(key)) return;
    if (this.waiting.size + this.reported.size < MAX_KEPT) this.waiting.set(key, access);
    else this.dropped += 1;
  }

  private forgetLastHour(): void {
    const hour = Math.floor(this.clock.millis() / HOUR_MS);
    if (hour !== this.hour) this.reported.clear();
    this.hour = hour;
  }
}
