import type { Receipt, ReceiptLine } from '#libs/contracts';
import type { LeaverRow } from '../declare/leaver.js';
import type { Db } from '../declare/where.js';
import type { Step } from './rule-set.js';
import { scheduleActions, type DueTime } from './scheduling.js';

type Leaver = LeaverRow & { lifecycleVersion: number; steps: readonly Step[] };

/** The delayed effects of the steps of one run: schedules them and writes their due times into the receipt lines. */
export class DelayedSteps {
  private readonly times: DueTime[] = [];
  /** Receipts of earlier departures with a changed due time. */
  readonly receipts: Receipt[] = [];

  /**
   * Schedules the delayed effects of finished steps.
   * @param counts the rows of each step, by user id
   */
  async schedule(
    db: Db,
    members: readonly { leaver: Leaver; step: Step }[],
    counts: ReadonlyMap<string, number>,
    now: Date,
  ): Promise<void> {
    const delayed = members.filter(({ step }) => step.later);
    const { times, receipts } = await scheduleActions(
      db,
      delayed.map(({ leaver, step }) => ({ ...leaver, step, rows: counts.get(leaver.userId) ?? 0 })),
      now,
    );
    this.times.push(...times);
    // The receipts of this run are not written yet; they get the times from `addDueTimes`.
    const running = new Set(delayed.map(({ leaver }) => `${leaver.userId} ${leaver.lifecycleVersion}`));
    this.receipts.push(...receipts.filter((receipt) => !running.has(`${receipt.userId} ${receipt.lifecycleVersion}`)));
  }

  /** Called when all steps have run, because a later step of a rule can shorten the delay of an earlier one. */
  addDueTimes(leaving: readonly Leaver[], lines: ReadonlyMap<string, ReceiptLine[]>): void {
    if (this.times.length === 0) return;
    const due = new Map(this.times.map(({ userId, rule, part, dueAt }) => [`${userId} ${rule} ${part}`, dueAt]));
    for (const { userId, steps } of leaving) {
      const own = lines.get(userId)!;
      for (const [position, { later, part }] of steps.entries()) {
        const dueAt = due.get(`${userId} ${part.rule.id} ${part.rows.part ?? ''}`);
        if (later && dueAt && own[position]!.finishedAt) own[position] = { ...own[position]!, dueAt };
      }
    }
  }
}
