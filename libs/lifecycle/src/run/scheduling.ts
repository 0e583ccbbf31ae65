import { sql } from 'kysely';
import type { Receipt } from '#libs/contracts';
import type { Db } from '../declare/where.js';
import { updateDelayedLines } from '../inbox/delayed-lines.js';
import type { Step } from './rule-set.js';

/** A leaver with a step that has a delayed effect. */
interface Delayed {
  userId: string;
  accountId: string;
  lifecycleVersion: number;
  leftAt: Date;
  step: Step;
  /** The rows of the step. Without rows nothing new is scheduled, but a pending effect can become due earlier. */
  rows: number;
}

/** The stored due time of a delayed effect. Receipts take it from here. */
export interface DueTime {
  userId: string;
  rule: string;
  part: string;
  /** ISO 8601. */
  dueAt: string;
}

/**
 * Stores delayed effects, one row per user, rule and part. If one is pending already, it stays, and the earlier due time
 * wins.
 * @returns the stored due times, and the changed receipts of earlier departures
 */
export async function scheduleActions(
  db: Db,
  entries: readonly Delayed[],
  now: Date,
): Promise<{ times: DueTime[]; receipts: Receipt[] }> {
  if (entries.length === 0) return { times: [], receipts: [] };
  const rows = entries.map((entry) => ({
    user_id: entry.userId,
    account_id: entry.accountId,
    lifecycle_version: entry.lifecycleVersion,
    rule: entry.step.part.rule.id,
    part: entry.step.part.rows.part ?? '',
    transition: entry.step.transition,
    action: entry.step.resolved,
    due_at: dueAt(entry, entry.step)!.toISOString(),
    has_rows: entry.rows > 0,
  }));
  const { rows: pending } = await sql<PendingAction>`
    insert into scheduled_action as s
      (user_id, account_id, lifecycle_version, rule, part, transition, action, due_at, status, created_at)
    select n.user_id, n.account_id, n.lifecycle_version, n.rule, n.part, n.transition, n.action, n.due_at, 'pending', ${now}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n (user_id uuid, account_id uuid, lifecycle_version bigint,
      rule text, part text, transition text, action jsonb, due_at timestamptz, has_rows boolean)
    where n.has_rows or exists (
      select from scheduled_action p where p.user_id = n.user_id and p.rule = n.rule and p.part = n.part and p.status = 'pending')
    on conflict (user_id, rule, part) where status = 'pending' do update set due_at = least(s.due_at, excluded.due_at)
    returning s.user_id, s.rule, s.part, s.lifecycle_version, s.due_at, old.due_at > new.due_at as moved`.execute(db);
  const times = pending.map(({ user_id: userId, rule, part, due_at }) => ({
    userId,
    rule,
    part,
    dueAt: new Date(due_at).toISOString(),
  }));
  const moved = pending.filter((row) => row.moved);
  const receipts = await updateDelayedLines(
    db,
    moved.map((row) => ({ ...row, patch: { dueAt: new Date(row.due_at).toISOString() } })),
  );
  await moveDueColumns(db, entries, times, moved);
  return { times, receipts };
}

interface PendingAction {
  user_id: string;
  rule: string;
  part: string;
  lifecycle_version: string;
  due_at: string;
  moved: boolean | null;
}

/** Updates columns that show when the delayed effect is due. */
async function moveDueColumns(
  db: Db,
  entries: readonly Delayed[],
  times: readonly DueTime[],
  moved: readonly PendingAction[],
): Promise<void> {
  if (moved.length === 0) return;
  const isMoved = new Set(moved.map((row) => `${row.user_id} ${row.rule} ${row.part}`));
  const due = new Map(times.map((time) => [`${time.userId} ${time.rule} ${time.part}`, new Date(time.dueAt)]));
  for (const { step, ...entry } of entries) {
    const key = `${entry.userId} ${step.part.rule.id} ${step.part.rows.part ?? ''}`;
    if (!isMoved.has(key)) continue;
    await step.later!.statements.showDue(db, step.action.effect, {
      ...entry,
      wasManager: false,
      due: due.get(key)!,
    });
  }
}

export function dueAt(leaver: { leftAt: Date }, step: Step): Date | null {
  return step.action.later ? new Date(leaver.leftAt.getTime() + (step.action.days ?? 0) * 86_400_000) : null;
}
