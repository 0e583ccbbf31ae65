import { performance } from 'node:perf_hooks';
import { EntityManager } from '@mikro-orm/postgresql';
import type { Receipt, ReceiptLine, ResolvedAction } from '#libs/contracts';
import { failpoint, isDue, Worker, WorkerContext, type ErrorClass } from '#libs/jobs';
import type { WorkContext } from '#libs/observability';
import { sql } from 'kysely';
import * as inbox from '../inbox/inbox.js';
import { Receipts } from '../receipts.js';
import { withRestored } from '../run/restoration.js';
import { restoreNext } from '../run/undo-records.js';
import { countRows } from '../sql/counting.js';
import { sharingOf } from '../sql/turns.js';
import type { Db } from '../declare/where.js';
import { causeOf, stepFailure } from '../declare/failure.js';
import { observeStatement } from '../run/observe-statement.js';
import { heldStep, originOf, RuleSet, type Step } from '../run/rule-set.js';
import { leaverRowOf } from '../run/batch.js';
import type { Leaving } from '../run/grouping.js';
import { at, updateProgress } from '../run/progress.js';
import { sharedIn, withReceived } from '../run/receipt-line.js';
import { scheduleActions } from '../run/scheduling.js';
import { Successors } from '../run/successors.js';

/** Target duration of a chunk: long enough for throughput, short enough that others hardly wait for its locks. */
const CHUNK_TARGET_MS = 150;
const MIN_CHUNK = 100;
const MAX_CHUNK = 20_000;

interface TaskRow {
  user_id: string;
  lifecycle_version: string;
  position: number;
  account_id: string;
  rule: string;
  part: string;
  transition: ReceiptLine['transition'];
  action: ResolvedAction;
  cursor: string | null;
  /** The account's first admin according to the event. */
  successor: string | null;
  affected: string;
  chunk_rows: number;
  attempts: number;
}

type NextTask = TaskRow & { departure_id: string };

/**
 * Continues steps that exceeded the row budget, and retries steps that failed in a batch, chunk by chunk. Each chunk is a
 * transaction that holds the user's directory row in key-share mode, so a reactivation waits for at most one chunk and then
 * stops the rest.
 */
export class TaskWorker extends Worker<NextTask> {
  constructor(
    private readonly em: EntityManager,
    private readonly rules: RuleSet,
    private readonly receipts: Receipts,
    context: WorkerContext,
  ) {
    super(context, { name: 'tasks', wokenBy: ['task'] });
  }

  /**
   * Claims the task that has been due longest, but of one event only its first step. No lease: the chunk locks the task, and
   * tasks that another replica works on are skipped.
   */
  protected override async claim(limit: number): Promise<NextTask[]> {
    const { rows } = await sql<NextTask>`
      select t.*, (select i.departure_id from inbox i
        where i.user_id = t.user_id and i.lifecycle_version = t.lifecycle_version) as departure_id
      from task t
      where ${isDue(this.clock.now())} and not exists (
        select 1 from task earlier where earlier.user_id = t.user_id and earlier.lifecycle_version = t.lifecycle_version and earlier.position < t.position)
      order by t.due_at limit ${limit} for update of t skip locked`.execute(this.em.fork().getKysely());
    return rows;
  }

  protected override async run(task: NextTask): Promise<void> {
    await this.send(
      await failpoint('chunk.commit', () => this.em.fork().transactional((em) => this.chunk(em.getKysely(), task))),
    );
  }

  protected override async failed(task: NextTask, { kind }: ErrorClass, error: unknown): Promise<Date | undefined> {
    const retryAt = this.retryAt(task.attempts);
    await this.send(
      await this.em.fork().transactional((em) => this.reschedule(em.getKysely(), task, { kind, error }, retryAt)),
    );
    return retryAt;
  }

  protected override about({ rule, attempts }: NextTask): object {
    return { rule, attempts };
  }

  protected override contextOf({ departure_id: departureId }: NextTask): WorkContext {
    return { departureId };
  }

  private async chunk(db: Db, candidate: TaskRow): Promise<Receipt[]> {
    const { user_id: userId, lifecycle_version: version, position } = candidate;
    // The user before the task: a reactivation locks in the same order.
    const { rows: people } = await sql<{ legal_hold: boolean }>`
      select legal_hold from directory where user_id = ${userId} and lifecycle_version = ${version} for key share`.execute(
      db,
    );
    if (!people[0]) return [];
    const { rows } = await sql<TaskRow>`
      select * from task where user_id = ${userId} and lifecycle_version = ${version} and position = ${position} for update skip locked`.execute(
      db,
    );
    const task = rows[0];
    const [row] = task ? await inbox.find(db, [{ userId, lifecycleVersion: Number(version) }]) : [];
    if (!task || !row) return [];
    return this.work(db, task, row, people[0].legal_hold);
  }

  private async work(db: Db, task: TaskRow, row: inbox.InboxRow, underHold: boolean): Promise<Receipt[]> {
    const now = this.clock.now();
    if (task.transition === 'reactivated') return this.restoreChunk(db, task, now);
    const found = this.rules.find(task.rule, task.part || null, task.transition, task.action);
    const step = underHold ? heldStep(found) : found;
    const leaver: Leaving = {
      userId: task.user_id,
      accountId: task.account_id,
      wasManager: row.was_manager,
      leftAt: new Date(row.left_at),
      lifecycleVersion: Number(task.lifecycle_version),
      undoVersion: row.type === 'user.deactivated' ? Number(task.lifecycle_version) : null,
      firstAdminId: task.successor,
      steps: [step],
    };
    const successors = await Successors.load(db, [leaver]);
    const { effect } = step.action;
    const { statements } = step;
    if (effect.kind === 'none') {
      const counts = await countRows(db, statements, effect, [leaver]);
      const rows = Number(task.affected) + (counts.get(leaver.userId) ?? 0);
      return this.finish(db, task, step, leaver, rows, now);
    }
    const leaverRow = leaverRowOf(leaver, step, successors);
    const team = successors.teamOf(leaver, step);
    const started = performance.now();
    const turns = team && { leaver: leaverRow, team, rows: task.chunk_rows, before: sharedIn(row.lines) };
    const sharing = turns && (await sharingOf(db, statements, effect, turns, now));
    const chunk = { rows: task.chunk_rows, after: task.cursor, sharing };
    const { count, firstId, received } = await observeStatement(step, () =>
      statements.runChunk(db, effect, leaverRow, chunk, now, originOf(step)),
    );
    const add = (line: ReceiptLine): ReceiptLine => ({
      ...withReceived(line, received),
      ...(team?.warning && { warning: team.warning }),
    });
    const duration = performance.now() - started;
    const affected = Number(task.affected) + count;
    if (count < task.chunk_rows && !(await statements.any(db, effect, leaverRow))) {
      return this.finish(db, task, step, leaver, affected, now, add);
    }
    await sql`
      update task set attempts = 0, cursor = ${count < task.chunk_rows ? null : firstId}, affected = ${affected},
        chunk_rows = ${nextSize(task.chunk_rows, duration)}, due_at = ${now}
      where user_id = ${task.user_id} and lifecycle_version = ${task.lifecycle_version} and position = ${task.position}`.execute(
      db,
    );
    return this.progress(db, task, (line) => ({ ...add(line), affected }));
  }

  private async finish(
    db: Db,
    task: TaskRow,
    step: Step,
    leaver: Leaving,
    affected: number,
    now: Date,
    add: (line: ReceiptLine) => ReceiptLine = (line) => line,
  ): Promise<Receipt[]> {
    const delayed = step.later ? [{ ...leaver, step, rows: affected }] : [];
    const { times, receipts } = await scheduleActions(db, delayed, now);
    await this.remove(db, task);
    const dueAt = times[0]?.dueAt;
    const facts = { affected, finishedAt: now.toISOString(), ...(dueAt && { dueAt }) };
    const earlier = receipts.filter((receipt) => receipt.lifecycleVersion < leaver.lifecycleVersion);
    return [...earlier, ...(await this.progress(db, task, (line) => ({ ...add(line), ...facts })))];
  }

  /** Restores the next undo record of a rule. Each chunk of the departure wrote one record. */
  private async restoreChunk(db: Db, task: TaskRow, now: Date): Promise<Receipt[]> {
    const { user_id: userId, rule, part } = task;
    const { more, ...restored } = await restoreNext(db, this.rules, { userId, rule, part }, now);
    if (more) {
      await sql`
        update task set attempts = 0, affected = affected + ${restored.given}, due_at = ${now}
        where user_id = ${task.user_id} and lifecycle_version = ${task.lifecycle_version} and position = ${task.position}`.execute(
        db,
      );
    } else await this.remove(db, task);
    return this.progress(db, task, (line) => withRestored(line, restored, more ? null : now));
  }

  private async remove(db: Db, task: TaskRow): Promise<void> {
    await sql`delete from task where user_id = ${task.user_id} and lifecycle_version = ${task.lifecycle_version} and position = ${task.position}`.execute(
      db,
    );
  }

  /** Updates the task's receipt line. */
  private progress(
    db: Db,
    { user_id: userId, lifecycle_version: version, position }: TaskRow,
    change: (line: ReceiptLine) => ReceiptLine,
  ): Promise<Receipt[]> {
    const key = { userId, lifecycleVersion: Number(version) };
    return updateProgress(db, this.rules, key, at(position, change), this.clock.now());
  }

  private async reschedule(
    db: Db,
    task: TaskRow,
    { kind, error }: { kind: ErrorClass['kind']; error: unknown },
    retryAt: Date | undefined,
  ): Promise<Receipt[]> {
    const { user_id: userId, lifecycle_version: lifecycleVersion, position } = task;
    const failure = stepFailure(causeOf(error), task.attempts + 1, retryAt);
    const key = { userId, lifecycleVersion, position, failure };
    if (retryAt === undefined) return (await inbox.failTasks(db, key, this.clock.now())).map(inbox.receiptOf);
    await sql`
      update task set attempts = attempts + 1, due_at = ${retryAt}, chunk_rows = greatest(${MIN_CHUNK}, chunk_rows / 2)
      where user_id = ${key.userId} and lifecycle_version = ${key.lifecycleVersion} and position = ${task.position}`.execute(
      db,
    );
    // The first transient failure usually passes with the next try.
    if (kind === 'transient' && task.attempts === 0) return [];
    return (await inbox.recordError(db, key)).map(inbox.receiptOf);
  }

  /** Never throws: the chunk is already committed. */
  private async send(receipts: readonly Receipt[]): Promise<void> {
    await this.receipts.send(receipts).catch((error: unknown) => this.failNextLook(error));
  }
}

function nextSize(size: number, durationMs: number): number {
  const wanted = (size * CHUNK_TARGET_MS) / Math.max(durationMs, 1);
  return Math.round(Math.min(MAX_CHUNK, Math.max(MIN_CHUNK, Math.min(wanted, size * 2))));
}
