import { namesOf, relationOf } from '#libs/database';
import { sql } from 'kysely';
import type { Receipt, ReceiptFailure, ReceiptLine, ReceiptStatus, StepFailure, UserEvent } from '#libs/contracts';
import type { Db } from '../declare/where.js';
import { failureIn, stepFailure, type FailureCause } from '../declare/failure.js';

export type InboxStatus = 'running' | 'retry' | 'completed' | 'failed' | 'superseded';

/** A lifecycle event in the inbox. */
export interface InboxRow {
  user_id: string;
  lifecycle_version: string;
  account_id: string;
  seq: string;
  type: Receipt['type'];
  departure_id: string;
  active_since: string;
  was_manager: boolean;
  /** In PostgreSQL's text format. */
  left_at: string;
  status: InboxStatus;
  round: number;
  lines: ReceiptLine[];
  event: UserEvent | null;
  attempts: number;
  error: string | null;
  /** The failure of the whole event. Lines have the failures of single rules. */
  failure: ReceiptFailure | null;
}

/** The outcome of an event, to be written to the inbox. */
export interface InboxEntry {
  event: UserEvent;
  status: InboxStatus;
  lines: ReceiptLine[];
  /** Error code of a step that will be retried. */
  error?: string;
}

/** Inserts new events. The primary key rejects the whole batch if one of them is already there. */
export async function insert(db: Db, entries: readonly InboxEntry[], now: Date): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.map(({ event: { type, time, data }, status, error, lines }) => ({
    user_id: data.userId,
    lifecycle_version: data.lifecycleVersion,
    account_id: data.accountId,
    seq: data.seq,
    type,
    departure_id: data.departure!.id,
    active_since: data.departure!.activeSince,
    was_manager: data.departure!.wasManager,
    left_at: time,
    round: data.departure!.round,
    status,
    error,
    lines,
  }));
  await sql`
    insert into inbox (${namesOf(ENTRY_COLUMNS)}, received_at, finished_at)
    select ${namesOf(ENTRY_COLUMNS)}, ${now}, case when status = 'running' then null else ${now}::timestamptz end
    from ${relationOf('n', rows, ENTRY_COLUMNS)}`.execute(db);
}

const ENTRY_COLUMNS = {
  user_id: 'uuid',
  lifecycle_version: 'bigint',
  account_id: 'uuid',
  seq: 'bigint',
  type: 'text',
  departure_id: 'uuid',
  active_since: 'bigint',
  was_manager: 'boolean',
  left_at: 'timestamptz',
  round: 'int',
  status: 'text',
  error: 'text',
  lines: 'jsonb',
};

const inboxKey = (userId: string, lifecycleVersion: number | string): string => `${userId} ${lifecycleVersion}`;
/** Equal to the `rowKey` of the event's row. */
export const eventKey = ({ data }: UserEvent): string => inboxKey(data.userId, data.lifecycleVersion);
export const rowKey = (row: Pick<InboxRow, 'user_id' | 'lifecycle_version'>): string =>
  inboxKey(row.user_id, row.lifecycle_version);

export async function find(
  db: Db,
  keys: readonly { userId: string; lifecycleVersion: number }[],
  lock = false,
): Promise<InboxRow[]> {
  if (keys.length === 0) return [];
  const { rows } = await sql<InboxRow>`
    select i.* from inbox i
    join unnest(${keys.map((k) => k.userId)}::uuid[], ${keys.map((k) => k.lifecycleVersion)}::bigint[]) as k (user_id, lifecycle_version)
      on i.user_id = k.user_id and i.lifecycle_version = k.lifecycle_version
    order by i.user_id, i.lifecycle_version ${lock ? sql`for update of i` : sql``}`.execute(db);
  return rows;
}

/** The receipt lines of the departure that this reactivation ends, finished or not, without those of `keep`. */
export async function departureLines(
  db: Db,
  { userId, lifecycleVersion }: { userId: string; lifecycleVersion: number },
): Promise<{ line: ReceiptLine; lifecycleVersion: number }[]> {
  const { rows } = await sql<{ line: ReceiptLine; lifecycleVersion: number }>`
    select line, i.lifecycle_version::float8 as "lifecycleVersion" from inbox i
    join (select active_since from inbox
      where user_id = ${userId} and lifecycle_version < ${lifecycleVersion} and type = 'user.deactivated'
      order by lifecycle_version desc limit 1) latest on i.lifecycle_version > latest.active_since
    cross join lateral jsonb_array_elements(i.lines) with ordinality l (line, n)
    where i.user_id = ${userId} and i.lifecycle_version < ${lifecycleVersion}
      and line ->> 'transition' = 'deactivated' and line ->> 'action' <> 'keep'
    order by i.lifecycle_version, l.n`.execute(db);
  return rows;
}

/** Writes the outcome of events. Clears the stored event, which only a retry needs. */
export async function update(db: Db, entries: readonly InboxEntry[], now: Date): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.map(({ event: { data }, status, lines, error }) => ({
    user_id: data.userId,
    lifecycle_version: data.lifecycleVersion,
    status,
    lines,
    error,
  }));
  await sql`
    update inbox i set status = n.status, lines = n.lines, event = null, due_at = null, error = n.error, failure = null,
      finished_at = case when n.status = 'running' then null else ${now}::timestamptz end
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n (user_id uuid, lifecycle_version bigint, status text, lines jsonb, error text)
    where i.user_id = n.user_id and i.lifecycle_version = n.lifecycle_version`.execute(db);
}

/** Supersedes the unfinished older decisions about these users. @returns the superseded rows */
export async function supersede(
  db: Db,
  people: readonly { userId: string; lifecycleVersion: number }[],
  now: Date,
): Promise<InboxRow[]> {
  if (people.length === 0) return [];
  const ids = people.map((p) => p.userId);
  const versions = people.map((p) => p.lifecycleVersion);
  await sql`
    delete from task t using unnest(${ids}::uuid[], ${versions}::bigint[]) as n (user_id, lifecycle_version)
    where t.user_id = n.user_id and t.lifecycle_version < n.lifecycle_version`.execute(db);
  const { rows } = await sql<InboxRow>`
    update inbox i set status = 'superseded', event = null, due_at = null, finished_at = ${now}
    from unnest(${ids}::uuid[], ${versions}::bigint[]) as n (user_id, lifecycle_version)
    where i.user_id = n.user_id and i.lifecycle_version < n.lifecycle_version and i.status in ('running', 'retry', 'failed')
    returning i.*`.execute(db);
  return rows;
}

/** Stores the event for a retry at `dueAt`. */
export async function reschedule(
  db: Db,
  event: UserEvent,
  attempts: number,
  dueAt: Date,
  cause: FailureCause,
): Promise<void> {
  const failure = { ...cause, ...stepFailure(cause, attempts, dueAt) };
  await sql`
    update inbox set status = 'retry', event = ${JSON.stringify(event)}::jsonb, attempts = ${attempts}, due_at = ${dueAt},
      error = ${cause.error}, failure = ${JSON.stringify(failure)}::jsonb, round = ${event.data.departure!.round}
    where user_id = ${event.data.userId} and lifecycle_version = ${event.data.lifecycleVersion}`.execute(db);
}

/** Marks the event as failed. There are no more attempts until the departure is retried. */
export async function markFailed(db: Db, event: UserEvent, cause: FailureCause, now: Date): Promise<void> {
  await sql`
    update inbox set status = 'failed', attempts = attempts + 1, due_at = null, error = ${cause.error}, finished_at = ${now},
      failure = ${JSON.stringify(cause)}::jsonb || jsonb_build_object('attempts', attempts + 1)
    where user_id = ${event.data.userId} and lifecycle_version = ${event.data.lifecycleVersion}`.execute(db);
}

/** Stores the latest round in which these events were published; their receipts name it. */
export async function raiseRounds(db: Db, rows: readonly InboxRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    update inbox i set round = n.round
    from unnest(${rows.map((r) => r.user_id)}::uuid[], ${rows.map((r) => r.lifecycle_version)}::bigint[], ${rows.map((r) => r.round)}::int[])
      as n (user_id, lifecycle_version, round)
    where i.user_id = n.user_id and i.lifecycle_version = n.lifecycle_version and i.round < n.round`.execute(db);
}

/**
 * Resumes events that have failed or wait for a retry: their tries start again.
 * @returns the keys of events that continue with their tasks or remote effects
 */
export async function resume(db: Db, failed: readonly InboxRow[], now: Date): Promise<Set<string>> {
  if (failed.length === 0) return new Set();
  const keys = sql`unnest(${failed.map((r) => r.user_id)}::uuid[], ${failed.map((r) => r.lifecycle_version)}::bigint[]) as n (user_id, lifecycle_version)`;
  await sql`
    update inbox i set attempts = 0, status = 'running', error = null, failure = null, finished_at = null,
      lines = coalesce((select jsonb_agg(line - 'failure' order by n) from jsonb_array_elements(i.lines) with ordinality l (line, n)), '[]')
    from ${keys}
    where i.user_id = n.user_id and i.lifecycle_version = n.lifecycle_version`.execute(db);
  const { rows } = await sql<{ user_id: string; lifecycle_version: string }>`
    with tasks as (
      update task t set attempts = 0, due_at = ${now} from ${keys}
      where t.user_id = n.user_id and t.lifecycle_version = n.lifecycle_version returning t.user_id, t.lifecycle_version),
    effects as (
      update remote_effect e set attempts = 0, due_at = ${now} from ${keys}
      where e.user_id = n.user_id and e.lifecycle_version = n.lifecycle_version returning e.user_id, e.lifecycle_version)
    select * from tasks union select * from effects`.execute(db);
  return new Set(rows.map(rowKey));
}

/** A step of an event that has failed. */
export interface FailedStep {
  userId: string;
  lifecycleVersion: string;
  position: number;
  failure: StepFailure;
}

/** Sets the failure of the step's line. */
const withFailure = ({ position, failure }: FailedStep) =>
  sql`lines = jsonb_set(lines, array[${String(position)}, 'failure'], ${JSON.stringify(failure)}::jsonb)`;

/** Records the error of a chunk that will be retried, so that the departure shows it. */
export async function recordError(db: Db, key: FailedStep): Promise<InboxRow[]> {
  const { rows } = await sql<InboxRow>`
    update inbox set error = ${key.failure.error}, ${withFailure(key)}
    where user_id = ${key.userId} and lifecycle_version = ${key.lifecycleVersion} and status = 'running' returning *`.execute(
    db,
  );
  return rows;
}

/** Marks the event as failed after the last attempt of a chunk. Its tasks wait until the departure is retried. */
export async function failTasks(db: Db, key: FailedStep, now: Date): Promise<InboxRow[]> {
  await sql`update task set due_at = 'infinity' where user_id = ${key.userId} and lifecycle_version = ${key.lifecycleVersion}`.execute(
    db,
  );
  const { rows } = await sql<InboxRow>`
    update inbox set status = 'failed', error = ${key.failure.error}, ${withFailure(key)}, finished_at = ${now}
    where user_id = ${key.userId} and lifecycle_version = ${key.lifecycleVersion} and status = 'running' returning *`.execute(
    db,
  );
  return rows;
}

/** The receipt of an entry that has just been inserted. */
export function receiptOfEntry({ event: { type, data }, status, lines, error }: InboxEntry): Receipt {
  const { accountId, userId, seq, lifecycleVersion, departure } = data;
  const { id: departureId, round } = departure!;
  const receiptStatus = status === 'retry' ? 'running' : status;
  const facts = { accountId, userId, type, seq, lifecycleVersion, departureId, round, status: receiptStatus };
  const failure = failureIn(lines);
  return { ...facts, ...(error && { error }), ...(failure && { failure }), rules: lines };
}

export function receiptOf(row: InboxRow): Receipt {
  const status: ReceiptStatus = row.status === 'retry' ? 'running' : row.status;
  const failure = status === 'running' || status === 'failed' ? (row.failure ?? failureIn(row.lines)) : undefined;
  return {
    accountId: row.account_id,
    userId: row.user_id,
    type: row.type,
    seq: Number(row.seq),
    lifecycleVersion: Number(row.lifecycle_version),
    departureId: row.departure_id,
    round: row.round,
    status,
    ...(row.error && row.status !== 'completed' && { error: row.error }),
    ...(failure && { failure }),
    rules: status === 'superseded' ? row.lines.map(withoutFailure) : row.lines,
  };
}

export const withoutFailure = ({ failure: _failure, ...line }: ReceiptLine): ReceiptLine => line;
