import type { Receipt, UserEvent } from '#libs/contracts';
import { sql } from 'kysely';
import { conversionsIn, attachWarnings, type InboxConversion } from '../run/conversion.js';
import { retryDelay } from '#libs/jobs';
import * as inbox from '../inbox/inbox.js';
import { cancelScheduledActions } from '../inbox/directory-rows.js';
import { deleteUndoRecords, restore } from '../run/restoration.js';
import type { Db } from '../declare/where.js';
import type { RuleSet, Step } from '../run/rule-set.js';
import { DEFAULT_BUDGET, type RowBudget } from '../run/row-budget.js';
import { runSteps, type Leaving, type Leftover } from '../run/batch.js';

/** Where a first chunk begins; it grows and shrinks with the time that a chunk takes. */
const FIRST_CHUNK = 2_000;

/** What the service knew before it took up the events. */
export interface ApplyContext {
  /** Those that are not in the inbox. */
  fresh: ReadonlySet<UserEvent>;
  /** Whether nothing has been applied to the person before. */
  first: (event: UserEvent) => boolean;
}

/** Carries out what has been decided about people who are locked, in the caller's transaction. */
export class DecisionApplication {
  budget: RowBudget = DEFAULT_BUDGET;

  constructor(
    private readonly rules: RuleSet,
    private readonly conversion?: InboxConversion,
  ) {}

  /** Ends what was decided before about these people, and carries out what is decided now. */
  async apply(db: Db, events: readonly UserEvent[], { fresh, first }: ApplyContext, now: Date): Promise<Receipt[]> {
    const again = events.filter((event) => !first(event));
    const superseded = await inbox.supersede(db, again.map(keyOf), now);
    const { noted, leftovers } = await this.runRules(db, events, now);
    await deleteUndoRecords(db, again, leftovers);
    const receipts = await this.record(db, noted, fresh, now);
    await this.createTasks(db, events, leftovers, now);
    return [...superseded.map(inbox.receiptOf), ...receipts];
  }

  /** Writes what has become of the events, into the inbox or over what stands there. */
  async record(
    db: Db,
    noted: readonly inbox.InboxEntry[],
    fresh: ReadonlySet<UserEvent>,
    now: Date,
  ): Promise<Receipt[]> {
    const anew = noted.filter(({ event }) => fresh.has(event));
    const over = noted.filter(({ event }) => !fresh.has(event));
    await inbox.insert(db, anew, now);
    await inbox.update(db, over, now);
    const rows = await inbox.find(
      db,
      over.map(({ event }) => keyOf(event)),
    );
    return [...anew.map(inbox.receiptOfEntry), ...rows.map(inbox.receiptOf)];
  }

  private async runRules(
    db: Db,
    events: readonly UserEvent[],
    now: Date,
  ): Promise<{ noted: inbox.InboxEntry[]; leftovers: Leftover[] }> {
    const back = events.filter((event) => event.type === 'user.reactivated');
    if (back.length > 0)
      await this.cancelPending(
        db,
        back.map((event) => event.data.userId),
        now,
      );
    const leaversOf = await this.leaving(
      db,
      events.filter((event) => event.type !== 'user.reactivated'),
    );
    const converting = conversionsIn(events);
    const warnings = converting.length > 0 ? await this.conversion?.convert(db, converting, now) : undefined;
    const ran = await runSteps(db, leaversOf, this.budget, now);
    attachWarnings(ran.lines, warnings ?? []);
    const restored = await restore(db, this.rules, back, this.budget, now);
    const lines = new Map([...ran.lines, ...restored.lines]);
    const leftovers = [...ran.leftovers, ...restored.leftovers];
    const unfinished = Map.groupBy(leftovers, (leftover) => leftover.userId);
    const noted = events.map((event): inbox.InboxEntry => {
      const own = unfinished.get(event.data.userId);
      const error = own?.find((leftover) => leftover.error)?.error;
      return {
        event,
        lines: lines.get(event.data.userId) ?? [],
        status: own ? 'running' : 'completed',
        ...(error && { error }),
      };
    });
    return { noted, leftovers };
  }

  /** Whoever comes back: nothing waits for its day any more, and nothing leaves them out. */
  async cancelPending(db: Db, userIds: readonly string[], now: Date): Promise<void> {
    await cancelScheduledActions(db, userIds, now);
    await this.rules.removeMarks(db, userIds);
  }

  /** The steps of each leaver: a deletion leaves out what an earlier deactivation has applied here. */
  private async leaving(db: Db, events: readonly UserEvent[]): Promise<Leaving[]> {
    const people = events.map(({ data }) => ({ ...data, activeSince: data.departure!.activeSince }));
    const applied = await inbox.applied(
      db,
      people.filter(({ activeSince, lifecycleVersion }) => activeSince + 1 < lifecycleVersion),
    );
    return events.map(({ type, data, time }) => ({
      userId: data.userId,
      accountId: data.accountId,
      wasManager: data.departure!.wasManager,
      leftAt: new Date(time),
      lifecycleVersion: data.lifecycleVersion,
      undoVersion: type === 'user.deactivated' ? data.lifecycleVersion : null,
      steps: remainingSteps(this.rules.plan(data.departure!.steps, data.departure!.policy.rules), data.userId, applied),
    }));
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
      affected,
      // That was the first try.
      attempts: error ? 1 : 0,
      due_at: error ? new Date(now.getTime() + retryDelay(0)!) : now,
    }));
    await sql`
      insert into task (user_id, lifecycle_version, position, account_id, rule, part, transition, action, cursor, affected, attempts, due_at, chunk_rows)
      select n.*, ${FIRST_CHUNK} from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n (user_id uuid, lifecycle_version bigint,
        position int, account_id uuid, rule text, part text, transition text, action jsonb, cursor uuid, affected bigint,
        attempts int, due_at timestamptz)
      on conflict do nothing`.execute(db);
  }
}

export const keyOf = ({ data }: UserEvent) => ({ userId: data.userId, lifecycleVersion: data.lifecycleVersion });

export function remainingSteps(steps: readonly Step[], userId: string, applied: ReadonlySet<string>): Step[] {
  return steps.filter(
    (step) =>
      step.transition !== 'deactivated' ||
      !applied.has(inbox.appliedKey(userId, step.part.rule.id, step.part.rows.part)),
  );
}
