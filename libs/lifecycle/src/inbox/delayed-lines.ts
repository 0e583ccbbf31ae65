import { sql } from 'kysely';
import type { Receipt, ReceiptLine } from '#libs/contracts';
import type { Db } from '../declare/where.js';
import { receiptOf, type InboxRow } from './inbox.js';

/** A change of one delayed effect, which the departure with this lifecycle version scheduled. */
export interface DelayedLineUpdate {
  user_id: string;
  lifecycle_version: string | number;
  rule: string;
  part: string;
  patch: Partial<Pick<ReceiptLine, 'dueAt' | 'heldAt' | 'doneAt'>>;
}

/**
 * Updates the receipt lines of pending delayed effects: of the departure that scheduled the effect, and of a later
 * departure of the same user by which it stayed pending.
 * @returns the changed receipts
 */
export async function updateDelayedLines(db: Db, updates: readonly DelayedLineUpdate[]): Promise<Receipt[]> {
  if (updates.length === 0) return [];
  const rows = updates.map(({ user_id, lifecycle_version, rule, part, patch }) => ({
    user_id,
    lifecycle_version,
    rule,
    part,
    patch,
  }));
  const { rows: changed } = await sql<InboxRow>`
    with e as materialized (
      select * from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as e (user_id uuid, lifecycle_version bigint, rule text, part text, patch jsonb)
    )
    update inbox i set lines = (
      select jsonb_agg(case when e.patch is null then line else line || e.patch end order by n)
      from jsonb_array_elements(i.lines) with ordinality as l (line, n)
      left join e on e.user_id = i.user_id and e.lifecycle_version <= i.lifecycle_version and ${IS_PENDING_LINE})
    where exists (
      select from e cross join jsonb_array_elements(i.lines) line
      where e.user_id = i.user_id and e.lifecycle_version <= i.lifecycle_version and ${IS_PENDING_LINE})
    returning i.*`.execute(db);
  return changed.map(receiptOf);
}

const IS_PENDING_LINE = sql`e.rule = line ->> 'rule' and e.part = coalesce(line ->> 'part', '')
  and line ->> 'dueAt' is not null and line ->> 'doneAt' is null`;
