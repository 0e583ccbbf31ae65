import type { AffectedRowsRequest, ReceiptLine, RowPage, RowsReason } from '#libs/contracts';
import { sql } from 'kysely';
import type { LeaverRow } from '../declare/leaver.js';
import type { Db } from '../declare/where.js';
import { heldStep, offeredStep, type RuleSet, type Step } from '../run/rule-set.js';
import { RowPages, type PageOf } from '../sql/row-pages.js';

interface Applied {
  was_manager: boolean;
  left_at: string;
  line: ReceiptLine | null;
}

const none = (reason?: RowsReason, gone = 0): RowPage => ({ rows: [], next: null, gone, ...(reason && { reason }) });

/**
 * A page of the rows that a deactivation has affected, as they are now. Rows that it changed are in its undo records. Rows
 * that it keeps, that wait for a delayed effect or that it has marked are found by the conditions of the rule. All others
 * are not recorded one by one.
 */
export async function affectedRows(db: Db, rules: RuleSet, request: AffectedRowsRequest): Promise<RowPage> {
  const applied = await appliedLine(db, request);
  if (!applied?.line) return none('not-applied');
  const { line } = applied;
  const step = offeredStep(rules, line);
  if (!step || step.remote) return none('not-recorded');
  const pages = new RowPages(step.statements, step.part.rows, request.asker);
  const recorded = await recordedPage(db, pages, request);
  if (recorded) return recorded;
  const { userId, accountId, limit } = request;
  const pageOf = { after: positionOf(request.after)[1], limit };
  const leaver: LeaverRow = {
    userId,
    accountId,
    wasManager: applied.was_manager,
    leftAt: new Date(applied.left_at),
  };
  if (await isPending(db, request)) {
    const later = step.later ?? heldStep(step).later!;
    return new RowPages(later.statements, step.part.rows, request.asker).selected(db, later.effect, leaver, pageOf);
  }
  return withoutRecords(db, step, pages, { line, leaver, pageOf });
}

async function withoutRecords(
  db: Db,
  { action }: Step,
  pages: RowPages,
  { line, leaver, pageOf }: { line: ReceiptLine; leaver: LeaverRow; pageOf: PageOf },
): Promise<RowPage> {
  const { effect } = action;
  if (effect.kind === 'insert') return pages.selected(db, effect, leaver, pageOf, 'marked');
  if (effect.kind === 'none' && !action.later) return pages.selected(db, effect, leaver, pageOf);
  if (line.affected === 0) return none();
  return effect.kind === 'set' ? none('not-recorded') : none('destroyed', line.affected);
}

/** The line of the receipt, with the facts of the decision. */
async function appliedLine(
  db: Db,
  { userId, lifecycleVersion, rule, part }: AffectedRowsRequest,
): Promise<Applied | undefined> {
  const { rows } = await sql<Applied>`
    select i.was_manager, i.left_at, (
      select line from jsonb_array_elements(i.lines) line
      where line ->> 'transition' = 'deactivated' and line ->> 'rule' = ${rule}
        and coalesce(line ->> 'part', '') = ${part ?? ''} limit 1) as line
    from inbox i where i.user_id = ${userId} and i.lifecycle_version = ${lifecycleVersion}`.execute(db);
  return rows[0];
}

/** Whether a delayed effect on the rows is still to come. */
async function isPending(db: Db, { userId, rule, part }: AffectedRowsRequest): Promise<boolean> {
  const { rows } = await sql`
    select from scheduled_action
    where user_id = ${userId} and rule = ${rule} and part = ${part ?? ''} and status = 'pending'`.execute(db);
  return rows.length > 0;
}

/**
 * The next recorded rows that still exist, and how many do not. Undo records follow each other, and each is read on its own:
 * those of a million rows have 16 MB of ids.
 * @returns undefined if the departure has no undo records of the rule
 */
async function recordedPage(db: Db, pages: RowPages, request: AffectedRowsRequest): Promise<RowPage | undefined> {
  const { accountId, limit } = request;
  const ids: { record: string; id: string }[] = [];
  let [record, after] = positionOf(request.after);
  while (ids.length <= limit) {
    const next = await recordAt(db, request, record);
    if (!next) break;
    const found = await idsIn(db, request, next, next === record ? after : null, limit + 1 - ids.length);
    ids.push(...found.map((id) => ({ record: next, id })));
    record = (BigInt(next) + 1n).toString();
    after = null;
  }
  if (ids.length === 0 && !request.after?.includes(':')) return undefined;
  const page = ids.slice(0, limit);
  const rows = await pages.existing(
    db,
    page.map(({ id }) => id),
    accountId,
  );
  const last = page.at(-1);
  return {
    rows,
    next: last && ids.length > limit ? `${last.record}:${last.id}` : null,
    gone: page.length - rows.length,
  };
}

function positionOf(after: string | null): [record: string, id: string | null] {
  const [record, id] = after?.includes(':') ? after.split(':') : ['0', after ?? undefined];
  return [record, id ?? null];
}

async function recordAt(
  db: Db,
  { userId, lifecycleVersion, rule, part }: AffectedRowsRequest,
  from: string,
): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select id from undo
    where user_id = ${userId} and id >= ${from}::bigint and lifecycle_version = ${lifecycleVersion}
      and rule = ${rule} and part = ${part ?? ''}
    order by id limit 1`.execute(db);
  return rows[0]?.id;
}

async function idsIn(
  db: Db,
  { userId }: AffectedRowsRequest,
  record: string,
  after: string | null,
  limit: number,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select r.id from undo u cross join lateral unnest(u.row_ids) r (id)
    where u.user_id = ${userId} and u.id = ${record}::bigint and (${after}::uuid is null or r.id > ${after}::uuid)
    order by r.id limit ${limit}`.execute(db);
  return rows.map(({ id }) => id);
}
