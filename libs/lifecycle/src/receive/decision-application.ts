import type { Receipt, ReceiptLine, UserEvent } from '#libs/contracts';
import { sql } from 'kysely';
import { tellingIn, type ContactNotices } from './contact-notices.js';
import { conversionsIn, attachWarnings, type InboxConversion } from '../run/conversion.js';
import { appliedKey, appliedRules } from '../inbox/applied-rules.js';
import * as inbox from '../inbox/inbox.js';
import { cancelScheduledActions } from '../inbox/directory-rows.js';
import {
  callOffRemoteEffects,
  finishConfirmed,
  supersedeRemoteEffects,
  unconfirmedLines,
  withTakenOver,
} from '../run/remote-effects.js';
import { restore, type Restoration } from '../run/restoration.js';
import { dropUndoRecords } from '../run/undo-records.js';
import type { Db } from '../declare/where.js';
import { heldStep, type RuleSet, type Step } from '../run/rule-set.js';
import { firstRetryAt } from '../declare/failure.js';
import { DEFAULT_BUDGET, type RowBudget } from '../run/row-budget.js';
import { runSteps, type Leftover, type RunOptions } from '../run/batch.js';
import type { Leaving } from '../run/grouping.js';

/** Rows of the first chunk. Later chunks grow or shrink with the time that a chunk takes. */
const FIRST_CHUNK = 2_000;

/** What the service knew about the events before it applied them. */
export interface ApplyContext {
  /** Events that are not in the inbox. */
  fresh: ReadonlySet<UserEvent>;
  /** Whether no decision about the user has been applied before. */
  first: (event: UserEvent) => boolean;
  /** Whether the user is under legal hold. */
  underHold: (event: UserEvent) => boolean;
  isolated?: RunOptions['isolated'];
}

/** Applies decisions in the caller's transaction, which has locked the users. */
export class DecisionApplication {
  budget: RowBudget = DEFAULT_BUDGET;

  constructor(
    private readonly rules: RuleSet,
    private readonly conversion?: InboxConversion,
    private readonly notices?: ContactNotices,
  ) {}

  /** Supersedes earlier decisions about these users and applies the given ones. */
  async apply(db: Db, events: readonly UserEvent[], context: ApplyContext, now: Date): Promise<Receipt[]> {
    const again = events.filter((event) => !context.first(event));
    const superseded = await inbox.supersede(db, again.map(keyOf), now);
    const takenOver = this.rules.hasRemoteEffects ? await supersedeRemoteEffects(db, again) : NO_LINES;
    const { entries, leftovers, receipts } = await this.runRules(db, events, { ...context, takenOver }, now);
    await dropUndoRecords(db, again, ({ data }) => unfinishedRules(leftovers, data.userId));
    const own = await this.record(db, entries, context.fresh, now);
    await this.createTasks(db, events, leftovers, now);
    return [...superseded.map(inbox.receiptOf), ...receipts, ...own];
  }

  /** Inserts fresh events into the inbox and updates the rows of the others. */
  async record(
    db: Db,
    entries: readonly inbox.InboxEntry[],
    fresh: ReadonlySet<UserEvent>,
    now: Date,
  ): Promise<Receipt[]> {
    const inserted = entries.filter(({ event }) => fresh.has(event));
    const updated = entries.filter(({ event }) => !fresh.has(event));
    await inbox.insert(db, inserted, now);
    await inbox.update(db, updated, now);
    const rows = await inbox.find(
      db,
      updated.map(({ event }) => keyOf(event)),
    );
    return [...inserted.map(inbox.receiptOfEntry), ...rows.map(inbox.receiptOf)];
  }

  private async runRules(
    db: Db,
    events: readonly UserEvent[],
    { underHold, isolated, takenOver }: ApplyContext & { takenOver: ReadonlyMap<string, ReceiptLine[]> },
    now: Date,
  ): Promise<{ entries: inbox.InboxEntry[]; leftovers: Leftover[]; receipts: Receipt[] }> {
    const reactivations = events.filter((event) => event.type === 'user.reactivated');
    if (reactivations.length > 0)
      await this.cancelPending(
        db,
        reactivations.map((event) => event.data.userId),
        now,
      );
    const leaving = await this.leaving(
      db,
      events.filter((event) => event.type !== 'user.reactivated' || event.data.departure!.steps.length > 0),
      underHold,
    );
    const telling = this.notices ? tellingIn(events) : [];
    if (telling.length > 0) await this.notices!.record(db, telling, now);
    const converting = conversionsIn(events);
    const warnings = converting.length > 0 ? await this.conversion?.convert(db, converting, now) : undefined;
    const ran = await runSteps(db, leaving, { budget: this.budget, isolated }, now);
    attachWarnings(ran.lines, warnings ?? []);
    const restored = await restore(db, this.rules, reactivations, this.budget, now);
    const { lines, leftovers } = together(ran, restored);
    const unfinished = Map.groupBy(leftovers, (leftover) => leftover.userId);
    const unconfirmed = this.rules.hasRemoteEffects ? await unconfirmedLines(db, events.map(keyOf)) : NO_KEYS;
    const entries = events.map((event): inbox.InboxEntry => {
      const { userId } = event.data;
      const error = unfinished.get(userId)?.find((leftover) => leftover.error)?.error?.error;
      const all = withTakenOver(lines.get(userId) ?? [], takenOver.get(userId));
      const waiting = unconfirmed.get(userId);
      const own = finishConfirmed(this.rules, all, waiting, now);
      return {
        event,
        lines: own,
        status: waiting || unfinished.has(userId) ? 'running' : 'completed',
        ...(error && { error }),
      };
    });
    return { entries, leftovers, receipts: ran.receipts };
  }

  /** Cancels what has not happened yet and removes the marks of reactivated users. */
  async cancelPending(db: Db, userIds: readonly string[], now: Date): Promise<void> {
    if (this.rules.hasRemoteEffects) await callOffRemoteEffects(db, userIds);
    await cancelScheduledActions(db, userIds, now);
    await this.rules.removeMarks(db, userIds);
  }

  /** The leavers with their steps, without those that an earlier decision has applied here. */
  private async leaving(
    db: Db,
    events: readonly UserEvent[],
    underHold: ApplyContext['underHold'],
  ): Promise<Leaving[]> {
    const people = events.map(({ data: { userId, lifecycleVersion, departure } }) => ({
      userId,
      lifecycleVersion,
      activeSince: departure!.activeSince,
      takenOverAt: departure!.takenOverAt,
    }));
    const applied = await appliedRules(
      db,
      people.filter((one) => one.activeSince + 1 < one.lifecycleVersion || one.takenOverAt !== undefined),
    );
    return events.map((event) => {
      const { type, data, time } = event;
      const planned = this.rules.plan(data.departure!.steps, data.departure!.policy.rules);
      const steps = remainingSteps(planned, data.userId, applied);
      return {
        userId: data.userId,
        accountId: data.accountId,
        wasManager: data.departure!.wasManager,
        leftAt: new Date(time),
        lifecycleVersion: data.lifecycleVersion,
        undoVersion: type === 'user.deactivated' ? data.lifecycleVersion : null,
        stays: type !== 'user.deactivated' && type !== 'user.deleted',
        firstAdminId: data.departure!.firstAdminId ?? null,
        steps: underHold(event) ? steps.map(heldStep) : steps,
      };
    });
  }

  private async createTasks(
    db: Db,
    events: readonly UserEvent[],
    leftovers: readonly Leftover[],
    now: Date,
  ): Promise<void> {
    if (leftovers.length === 0) return;
    const byUser = new Map(events.map((event) => [event.data.userId, event.data]));
    const rows = leftovers.map(({ userId, step, transition, position, cursor, affected, error }) => ({
      user_id: userId,
      lifecycle_version: byUser.get(userId)!.lifecycleVersion,
      position,
      account_id: byUser.get(userId)!.accountId,
      rule: step.part.rule.id,
      part: step.part.rows.part ?? '',
      transition,
      action: step.resolved,
      cursor,
      successor: byUser.get(userId)!.departure!.firstAdminId ?? null,
      affected,
      attempts: error ? 1 : 0,
      due_at: error ? firstRetryAt(now) : now,
    }));
    await sql`
      insert into task (user_id, lifecycle_version, position, account_id, rule, part, transition, action, cursor, successor, affected, attempts, due_at, chunk_rows)
      select n.*, ${FIRST_CHUNK} from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n (user_id uuid, lifecycle_version bigint,
        position int, account_id uuid, rule text, part text, transition text, action jsonb, cursor uuid, successor uuid, affected bigint,
        attempts int, due_at timestamptz)
      on conflict do nothing`.execute(db);
  }
}

/** A reactivation that has inherited the step of a take-over has its lines before those of the restoration. */
function together(ran: Restoration, restored: Restoration): Restoration {
  const before = (userId: string) => ran.lines.get(userId) ?? [];
  const added = [...restored.lines].map(([userId, own]): [string, ReceiptLine[]] => [
    userId,
    [...before(userId), ...own],
  ]);
  const moved = restored.leftovers.map((one) => ({ ...one, position: one.position + before(one.userId).length }));
  return { lines: new Map([...ran.lines, ...added]), leftovers: [...ran.leftovers, ...moved] };
}

const NO_LINES: ReadonlyMap<string, ReceiptLine[]> = new Map();
const NO_KEYS: ReadonlyMap<string, ReadonlySet<string>> = new Map();

/** Rules whose rows are still being restored. */
const unfinishedRules = (leftovers: readonly Leftover[], userId: string): string[] =>
  leftovers
    .filter((leftover) => leftover.userId === userId && leftover.transition === 'reactivated')
    .map(({ step }) => step.part.rule.id);

export const keyOf = ({ data }: UserEvent) => ({ userId: data.userId, lifecycleVersion: data.lifecycleVersion });

export function remainingSteps(steps: readonly Step[], userId: string, applied: ReadonlySet<string>): Step[] {
  return steps.filter((step) => {
    const { transition, part } = step.remote?.of ?? step;
    return !applied.has(appliedKey(userId, { transition, rule: part.rule.id, part: part.rows.part }));
  });
}
