import type { Receipt, ReceiptLine } from '#libs/contracts';
import { sql } from 'kysely';
import type { Db } from '../declare/where.js';
import * as inbox from '../inbox/inbox.js';
import { finishConfirmed, unconfirmedLines } from './remote-effects.js';
import type { RuleSet } from './rule-set.js';

/**
 * Changes the receipt lines of an event that is carried on after its transaction. The event is completed when it has no
 * more tasks and other services have confirmed its remote effects. The row is locked first, so that of two transactions
 * that finish at the same time the second one sees what the first has done.
 */
export async function updateProgress(
  db: Db,
  rules: RuleSet,
  key: { userId: string; lifecycleVersion: number },
  change: (lines: readonly ReceiptLine[]) => readonly ReceiptLine[],
  now: Date,
): Promise<Receipt[]> {
  const [row] = await inbox.find(db, [key], true);
  if (!row) return [];
  const unconfirmed = (await unconfirmedLines(db, [key])).get(key.userId);
  const lines = finishConfirmed(rules, change(row.lines), unconfirmed, now);
  const { rows } = await sql<inbox.InboxRow>`
    with open as materialized (
      select count(*) + ${unconfirmed?.size ?? 0}::int as steps, count(*) filter (where attempts > 0) as failing from task
      where user_id = ${key.userId} and lifecycle_version = ${key.lifecycleVersion})
    update inbox i set lines = ${JSON.stringify(lines)}::jsonb,
      status = case when i.status = 'running' and open.steps = 0 then 'completed' else i.status end,
      finished_at = case when i.status = 'running' and open.steps = 0 then ${now}::timestamptz else i.finished_at end,
      error = case when i.status <> 'running' or open.failing > 0 then i.error end
    from open where i.user_id = ${key.userId} and i.lifecycle_version = ${key.lifecycleVersion} returning i.*`.execute(
    db,
  );
  return rows.map(inbox.receiptOf);
}

/** Changes the line at one position, whose last try has succeeded. */
export const at =
  (position: number, change: (line: ReceiptLine) => ReceiptLine) =>
  (lines: readonly ReceiptLine[]): ReceiptLine[] =>
    lines.map((line, n) => (n === position ? change(inbox.withoutFailure(line)) : line));
