import { EntityManager } from '@mikro-orm/postgresql';
import { ServiceClient } from '#libs/broker';
import type { Receipt, ReceiptLine, StepFailure } from '#libs/contracts';
import { failpoint, PermanentError, Worker, WorkerContext, type ErrorClass } from '#libs/jobs';
import type { WorkContext } from '#libs/observability';
import { sql } from 'kysely';
import { causeOf, stepFailure } from '../declare/failure.js';
import type { RemoteAnswer, RemoteEffect } from '../declare/side-effects.js';
import type { Db } from '../declare/where.js';
import * as inbox from '../inbox/inbox.js';
import { Receipts } from '../receipts.js';
import { updateProgress } from '../run/progress.js';
import { withReceived } from '../run/receipt-line.js';
import type { RemoteEffectRow } from '../run/remote-effects.js';
import { RuleSet } from '../run/rule-set.js';

const BATCH_SIZE = 10;
/** Longer than a call to another service may take. */
const LEASE_MS = 30_000;
/** Retries while the decision is current. The first delays are short: often the other service only has to apply it first. */
const RETRY = { delaysMs: [500, 1_000, 2_000, 5_000, 15_000, 60_000], retryLimit: Infinity };

type ClaimedEffect = RemoteEffectRow & { departure_id: string };
type Confirmation = Exclude<RemoteAnswer, string>;

/** The rule has no such remote effect in this version of the service. */
class UnknownRemoteEffect extends PermanentError {
  readonly code = 'invalid-action';
}

/**
 * Has other services do what departures and reactivations ask of them. A row stays until the other service confirms it, so
 * a lost message is sent again. Rows of a superseded decision are not sent.
 */
export class RemoteEffectWorker extends Worker<ClaimedEffect> {
  constructor(
    private readonly em: EntityManager,
    private readonly rules: RuleSet,
    private readonly client: ServiceClient,
    private readonly receipts: Receipts,
    context: WorkerContext,
  ) {
    super(context, {
      name: 'remote-effects',
      wokenBy: ['remote_effect'],
      batchSize: BATCH_SIZE,
      leaseMs: LEASE_MS,
      retry: RETRY,
    });
  }

  /** Those of one decision are sent one after another, in their order. */
  protected override async claim(limit: number): Promise<ClaimedEffect[]> {
    if (!this.rules.hasRemoteEffects) return [];
    const { rows } = await sql<ClaimedEffect>`
      with due as (
        select e.id, i.departure_id from remote_effect e
        join directory d on d.user_id = e.user_id and d.lifecycle_version = e.lifecycle_version
        join inbox i on i.user_id = e.user_id and i.lifecycle_version = e.lifecycle_version
        where ${this.isDue({ dueAt: 'e.due_at', attempts: 'e.attempts' })} and not exists (select from remote_effect earlier
          where earlier.user_id = e.user_id and earlier.lifecycle_version = e.lifecycle_version and earlier.id < e.id)
        order by e.due_at, e.id limit ${limit} for update of e skip locked)
      update remote_effect e set attempts = e.attempts + 1, due_at = ${this.leaseUntil()} from due where e.id = due.id
      returning e.*, due.departure_id`.execute(this.em.fork().getKysely());
    return rows;
  }

  protected override async run(row: ClaimedEffect): Promise<void> {
    const effect = this.rules.remoteEffect(row.rule, row.part);
    if (!effect) throw new UnknownRemoteEffect(`${row.rule} has no remote effect on ${row.part}`);
    const answer = await this.ask(effect, row);
    if (typeof answer === 'string') await this.reschedule(row);
    else
      await this.send(
        await failpoint('chunk.commit', () =>
          this.em.fork().transactional((em) => this.confirm(em.getKysely(), row, answer)),
        ),
      );
  }

  /** The departure shows the failure and goes on. The first transient failure usually passes with the next try. */
  protected override async failed(row: ClaimedEffect, { kind }: ErrorClass, error: unknown): Promise<Date | undefined> {
    const retryAt = await this.reschedule(row);
    if (kind === 'transient' && row.attempts === 1) return retryAt;
    const failure = stepFailure(causeOf(error), row.attempts, retryAt);
    await this.send(await this.em.fork().transactional((em) => this.recordFailure(em.getKysely(), row, failure)));
    return retryAt;
  }

  protected override about({ id, rule, part, attempts }: ClaimedEffect): object {
    return { effect: id, rule, part, attempts };
  }

  protected override contextOf({ departure_id: departureId }: ClaimedEffect): WorkContext {
    return { departureId };
  }

  private ask({ apply, inverse }: RemoteEffect, row: ClaimedEffect): Promise<RemoteAnswer> {
    const { id, account_id: accountId, user_id: userId, rule, successor, undoable, item_ids: itemIds } = row;
    const request = { id, accountId, userId, lifecycleVersion: Number(row.lifecycle_version), rule };
    if (row.undoes === null)
      return apply(this.client, { ...request, itemIds, successor, decidedAt: new Date(row.decided_at), undoable });
    if (typeof inverse === 'function') return inverse(this.client, { ...request, undoes: Number(row.undoes) });
    throw new UnknownRemoteEffect(`${rule} cannot undo its remote effect on ${row.part}`);
  }

  private async confirm(db: Db, row: ClaimedEffect, confirmed: Confirmation): Promise<Receipt[]> {
    const key = { userId: row.user_id, lifecycleVersion: Number(row.lifecycle_version) };
    // The user first, as in a decision. If a newer decision has taken the row over, the other service answers it again.
    const { rows: current } = await sql`
      select 1 from directory where user_id = ${key.userId} and lifecycle_version = ${key.lifecycleVersion} for key share`.execute(
      db,
    );
    if (current.length === 0) return [];
    await inbox.find(db, [key], true);
    const { rows: gone } = await sql`delete from remote_effect where id = ${row.id} returning id`.execute(db);
    if (gone.length === 0) return [];
    const change = (line: ReceiptLine) =>
      isOf(line, row) ? afterConfirmation(inbox.withoutFailure(line), row, confirmed) : line;
    return updateProgress(db, this.rules, key, (lines) => lines.map(change), this.clock.now());
  }

  private async recordFailure(db: Db, row: ClaimedEffect, failure: StepFailure): Promise<Receipt[]> {
    const key = { userId: row.user_id, lifecycleVersion: Number(row.lifecycle_version) };
    const [departure] = await inbox.find(db, [key], true);
    const position = departure?.lines.findIndex((line) => isOf(line, row)) ?? -1;
    if (position === -1) return [];
    const step = { userId: row.user_id, lifecycleVersion: row.lifecycle_version, position, failure };
    return (await inbox.recordError(db, step)).map(inbox.receiptOf);
  }

  private async reschedule({ id, attempts }: ClaimedEffect): Promise<Date | undefined> {
    const retryAt = this.retryAt(attempts - 1);
    await sql`update remote_effect set due_at = ${retryAt} where id = ${id} and attempts = ${attempts}`.execute(
      this.em.fork().getKysely(),
    );
    return retryAt;
  }

  /** Never throws: the confirmation is already committed. */
  private async send(receipts: readonly Receipt[]): Promise<void> {
    await this.receipts.send(receipts).catch((error: unknown) => this.failNextLook(error));
  }
}

const isOf = ({ rule, part, transition }: ReceiptLine, row: RemoteEffectRow): boolean =>
  rule === row.rule && part === row.part && transition === row.transition;

function afterConfirmation(
  line: ReceiptLine,
  { undoes, expected, successor }: RemoteEffectRow,
  { rows, notRestored = 0, warning = line.warning }: Confirmation,
): ReceiptLine {
  const affected = line.affected + rows;
  const received = new Map(successor === null || rows === 0 ? [] : [[successor, rows]]);
  if (undoes === null) return { ...withReceived(line, received), affected, ...(warning && { warning }) };
  const missing = line.notRestored! - Number(expected) + notRestored;
  return { ...line, affected, notRestored: missing, ...(notRestored > 0 && { warning: 'changed-since' }) };
}
