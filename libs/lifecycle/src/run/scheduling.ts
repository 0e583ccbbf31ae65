import { sql } from 'kysely';
import type { Db } from '../declare/where.js';
import type { Step } from './rule-set.js';

/** A leaver with a step that has a delayed effect. */
interface Due {
  userId: string;
  accountId: string;
  lifecycleVersion: number;
  leftAt: Date;
  step: Step;
}

/** Stores delayed effects, one row per user and part. A pending one keeps its due time. */
export async function scheduleActions(db: Db, entries: readonly Due[], now: Date): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.map((entry) => ({
    user_id: entry.userId,
    account_id: entry.accountId,
    lifecycle_version: entry.lifecycleVersion,
    rule: entry.step.part.rule.id,
    part: entry.step.part.rows.part ?? '',
    transition: entry.step.transition,
    action: entry.step.resolved,
    due_at: dueAt(entry, entry.step)!.toISOString(),
  }));
  await sql`
    insert into scheduled_action (user_id, account_id, lifecycle_version, rule, part, transition, action, due_at, status, created_at)
    select n.*, 'pending', ${now} from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as n (user_id uuid, account_id uuid, lifecycle_version bigint, rule text, part text, transition text, action jsonb, due_at timestamptz)
    on conflict do nothing`.execute(db);
}

export function dueAt(leaver: { leftAt: Date }, step: Step): Date | null {
  return step.action.later ? new Date(leaver.leftAt.getTime() + (step.action.days ?? 0) * 86_400_000) : null;
}
