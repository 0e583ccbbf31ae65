import { EntityManager } from '@mikro-orm/postgresql';
import type { Receipt, ResolvedAction, Transition } from '#libs/contracts';
import { sql } from 'kysely';
import { updateDelayedLines, type DelayedLineUpdate } from '../inbox/delayed-lines.js';
import type { Onboarding } from '../onboarding.js';
import { Receipts } from '../receipts.js';
import type { Db } from '../declare/where.js';
import { observeStatement } from '../run/observe-statement.js';
import { heldStep, RuleSet, type Step } from '../run/rule-set.js';
import { withinBudget } from '../run/row-budget.js';
import type { LeaverRow } from '../declare/leaver.js';
import { countTogether, type Counting } from '../sql/counting.js';
import { StepWorker, WorkerContext } from '#libs/jobs';

const AT_ONCE = 500;
const LIMITS = { perPerson: 5_000, total: 20_000 };

interface ScheduledRow {
  user_id: string;
  rule: string;
  part: string;
  lifecycle_version: string;
  account_id: string;
  transition: Transition;
  action: ResolvedAction;
  affected: string;
  /** Of the departure that scheduled the effect. */
  was_manager: boolean;
  left_at: string;
}

/**
 * Applies due delayed effects, for many users in one transaction. Effects of users under legal hold wait. A reactivation
 * has already cancelled the effects of users who came back.
 */
export class ScheduledActionWorker extends StepWorker {
  constructor(
    private readonly em: EntityManager,
    private readonly rules: RuleSet,
    private readonly receipts: Receipts,
    context: WorkerContext,
    private readonly introduction?: Onboarding,
  ) {
    super(context, { name: 'scheduled-actions' });
  }

  protected async step(): Promise<boolean> {
    // After a restored backup the directory may not show all reactivations yet, and an effect cannot be undone.
    await this.introduction?.firstAttempt();
    await this.reportHeld();
    const { receipts, more } = await this.em.fork().transactional((em) => this.sweep(em.getKysely()));
    await this.receipts.send(receipts);
    return more;
  }

  /**
   * Reports each due effect under legal hold to identity, at least once: identity does not ask for this receipt again.
   * Repeated in every step until the receipt has been sent.
   */
  private async reportHeld(): Promise<void> {
    const now = this.clock.now();
    const { held, receipts } = await this.em.fork().transactional(async (em) => {
      const db = em.getKysely();
      const claimed = await claim(db, now, true);
      return { held: claimed, receipts: await mark(db, claimed, { heldAt: now.toISOString() }) };
    });
    if (held.length === 0 || !(await this.receipts.send(receipts))) return;
    await sql`
      update scheduled_action s set held_at = ${now}
      from unnest(${held.map((r) => r.user_id)}::uuid[], ${held.map((r) => r.rule)}::text[], ${held.map((r) => r.part)}::text[],
        ${held.map((r) => r.lifecycle_version)}::bigint[]) as n (user_id, rule, part, lifecycle_version)
      where s.user_id = n.user_id and s.rule = n.rule and s.part = n.part and s.lifecycle_version = n.lifecycle_version
        and s.status = 'pending'`.execute(this.em.fork().getKysely());
  }

  private async sweep(db: Db): Promise<{ receipts: Receipt[]; more: boolean }> {
    const now = this.clock.now();
    const due = await claim(db, now, false);
    const receipts: Receipt[] = [];
    for (const group of groupsOf(due)) {
      const step = this.rules.find(group[0]!.rule, group[0]!.part || null, group[0]!.transition, group[0]!.action);
      receipts.push(...(await this.apply(db, step, group, now)));
    }
    return { receipts, more: due.length > 0 };
  }

  private async apply(db: Db, step: Step, group: readonly ScheduledRow[], now: Date): Promise<Receipt[]> {
    // A step without a delayed effect was scheduled because of a legal hold.
    const { effect, statements } = step.later ?? heldStep(step).later!;
    const leavers = group.map((row): LeaverRow => ({
      userId: row.user_id,
      accountId: row.account_id,
      wasManager: row.was_manager,
      leftAt: new Date(row.left_at),
    }));
    const { fit, changed } = await this.change(db, step, { statements, effect, leavers }, now);
    const finished = group.filter((row) => fit.has(row.user_id));
    await sql`
      update scheduled_action s set affected = s.affected + n.affected, status = case when n.finished then 'done' else 'pending' end,
        finished_at = case when n.finished then ${now}::timestamptz end
      from unnest(${group.map((r) => r.user_id)}::uuid[], ${group.map((r) => changed.get(r.user_id) ?? 0)}::bigint[], ${group.map((r) => finished.includes(r))}::boolean[])
        as n (user_id, affected, finished)
      where s.user_id = n.user_id and s.rule = ${step.part.rule.id} and s.part = ${step.part.rows.part ?? ''} and s.status = 'pending'`.execute(
      db,
    );
    return mark(db, finished, { doneAt: now.toISOString() });
  }

  /**
   * Changes all rows of the users within the budget; if there are none, one chunk of the first user's rows.
   * @returns the users whose rows are all changed, and the changed rows by user id
   */
  private async change(
    db: Db,
    step: Step,
    { statements, effect, leavers }: Counting & NonNullable<Step['later']>,
    now: Date,
  ): Promise<{ fit: Set<string>; changed: Map<string, number> }> {
    const counting = { statements, effect, leavers, atMost: LIMITS.perPerson + 1 };
    const [sizes] = await countTogether(db, [counting]);
    const fit = withinBudget(leavers, ({ userId }) => sizes!.get(userId) ?? 0, LIMITS);
    const changed = await observeStatement(step, () => statements.run(db, effect, fit, now));
    const [large] = fit.length === 0 ? leavers : [];
    if (large) {
      const chunk = { rows: LIMITS.perPerson };
      const { count } = await observeStatement(step, () => statements.runChunk(db, effect, large, chunk, now));
      changed.set(large.userId, count);
    }
    return { fit: new Set(fit.map(({ userId }) => userId)), changed };
  }
}

/**
 * Locks due scheduled actions of deactivated and deleted users, first the user, then the row.
 * @param held false: users without a legal hold; true: users under legal hold whose effects have not been reported yet
 */
async function claim(db: Db, now: Date, held: boolean): Promise<ScheduledRow[]> {
  const { rows: people } = await sql<{ user_id: string }>`
    select d.user_id from scheduled_action s join directory d on d.user_id = s.user_id
    where s.status = 'pending' and s.due_at <= ${now} and d.status in ('deactivated', 'deleted') and d.legal_hold = ${held}
      and (not ${held}::boolean or s.held_at is null)
    order by s.due_at limit ${AT_ONCE} for key share of d skip locked`.execute(db);
  if (people.length === 0) return [];
  const { rows } = await sql<ScheduledRow>`
    select s.*, i.was_manager, i.left_at from scheduled_action s
    join inbox i on i.user_id = s.user_id and i.lifecycle_version = s.lifecycle_version
    where s.user_id = any(${people.map((row) => row.user_id)}::uuid[]) and s.status = 'pending' and s.due_at <= ${now}
      and (not ${held}::boolean or s.held_at is null)
    order by s.user_id, s.rule, s.part for update of s skip locked`.execute(db);
  return rows;
}

function groupsOf(rows: readonly ScheduledRow[]): ScheduledRow[][] {
  const groups = Map.groupBy(rows, (row) =>
    JSON.stringify([row.rule, row.part, row.transition, row.action.action, row.action.scope]),
  );
  return [...groups.values()];
}

/** Updates the receipt lines of the effects. @returns the changed receipts */
const mark = (db: Db, effects: readonly ScheduledRow[], patch: DelayedLineUpdate['patch']): Promise<Receipt[]> =>
  updateDelayedLines(
    db,
    effects.map((effect) => ({ ...effect, patch })),
  );
