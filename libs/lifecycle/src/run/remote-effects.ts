import type { AppliedTransition, ReceiptLine, UserEvent } from '#libs/contracts';
import { sql } from 'kysely';
import type { Db } from '../declare/where.js';
import * as inbox from '../inbox/inbox.js';
import type { RuleSet } from './rule-set.js';

/** Work for another service that it has not confirmed. */
export interface RemoteEffectRow {
  id: string;
  account_id: string;
  user_id: string;
  lifecycle_version: string;
  rule: string;
  part: string;
  transition: AppliedTransition | 'reactivated';
  successor: string | null;
  decided_at: string;
  undoable: boolean;
  undoes: string | null;
  item_ids: string[];
  /** The items, or for an inverse the items that the departure has changed. */
  expected: string;
  attempts: number;
}

type LineKey = Pick<ReceiptLine, 'rule' | 'part' | 'transition'>;
const lineKey = ({ rule, part, transition }: LineKey): string => `${rule} ${part ?? ''} ${transition}`;

/** Finds the lines with unconfirmed remote effects, by user. */
export async function unconfirmedLines(
  db: Db,
  people: readonly { userId: string; lifecycleVersion: number }[],
): Promise<Map<string, Set<string>>> {
  if (people.length === 0) return new Map();
  const { rows } = await sql<LineKey & { user_id: string }>`
    select distinct e.user_id, e.rule, e.part, e.transition from remote_effect e
    join unnest(${people.map((p) => p.userId)}::uuid[], ${people.map((p) => p.lifecycleVersion)}::bigint[]) as p (user_id, lifecycle_version)
      on e.user_id = p.user_id and e.lifecycle_version = p.lifecycle_version`.execute(db);
  const byUser = Map.groupBy(rows, (row) => row.user_id);
  return new Map([...byUser].map(([userId, own]) => [userId, new Set(own.map(lineKey))]));
}

/** Finishes the lines of remote effects that are all confirmed and whose rule has changed all its rows. */
export function finishConfirmed(
  rules: RuleSet,
  lines: readonly ReceiptLine[],
  unconfirmed: ReadonlySet<string> | undefined,
  now: Date,
): ReceiptLine[] {
  return lines.map((line) => {
    if (line.finishedAt || !rules.remoteEffect(line.rule, line.part) || unconfirmed?.has(lineKey(line))) return line;
    const own = lines.filter(({ rule, transition }) => rule === line.rule && transition === line.transition);
    const open = own.some((other) => !other.finishedAt && !rules.remoteEffect(other.rule, other.part));
    return open ? line : { ...line, finishedAt: now.toISOString() };
  });
}

/**
 * Ends the remote effects of earlier decisions. Those that a reactivation has called off are deleted, also if it was
 * superseded before it arrived. A deletion takes over those of the deactivation before it. Inverses that are not confirmed
 * wait for the next reactivation.
 * @returns lines for the effects that were taken over, by user
 */
export async function supersedeRemoteEffects(
  db: Db,
  events: readonly UserEvent[],
): Promise<Map<string, ReceiptLine[]>> {
  if (events.length === 0) return new Map();
  const rows = events.map(({ type, data: { userId, lifecycleVersion, departure } }) => ({
    user_id: userId,
    lifecycle_version: lifecycleVersion,
    called_off: type === 'user.reactivated' ? lifecycleVersion : departure!.activeSince,
    final: type === 'user.deleted',
  }));
  const decided = sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
    as n (user_id uuid, lifecycle_version bigint, called_off bigint, final boolean)`;
  await sql`
    delete from remote_effect e using ${decided}
    where e.user_id = n.user_id and e.lifecycle_version < n.lifecycle_version
      and (n.final and e.undoes is not null or e.undoes is null and e.lifecycle_version <= n.called_off)`.execute(db);
  const { rows: taken } = await sql<LineKey & { user_id: string; before: string }>`
    update remote_effect e set lifecycle_version = n.lifecycle_version, undoable = e.undoable and not n.final, attempts = 0, due_at = '-infinity' from ${decided}
    where e.user_id = n.user_id and e.lifecycle_version < n.lifecycle_version and e.undoes is null
    returning e.user_id, e.rule, e.part, e.transition, old.lifecycle_version as before`.execute(db);
  const keys = taken.map((one) => ({ userId: one.user_id, lifecycleVersion: Number(one.before) }));
  const earlier = new Map((await inbox.find(db, keys)).map((row) => [inbox.rowKey(row), row]));
  const lines = new Map<string, ReceiptLine[]>();
  for (const one of taken) {
    const row = earlier.get(inbox.rowKey({ user_id: one.user_id, lifecycle_version: one.before }));
    const line = row?.lines.find((candidate) => lineKey(candidate) === lineKey(one));
    const own = lines.get(one.user_id) ?? [];
    if (!line || own.some((known) => lineKey(known) === lineKey(line))) continue;
    lines.set(one.user_id, [...own, { ...line, affected: 0, finishedAt: null }]);
  }
  return lines;
}

/** Adds lines for effects that were taken over, unless the decision has such lines of its own. */
export const withTakenOver = (lines: readonly ReceiptLine[], taken: readonly ReceiptLine[] = []): ReceiptLine[] => {
  const known = new Set(lines.map(lineKey));
  return [...lines, ...taken.filter((line) => !known.has(lineKey(line)))];
};

/** Deletes the remote effects of departures that a reactivation calls off. */
export async function callOffRemoteEffects(db: Db, userIds: readonly string[]): Promise<void> {
  await sql`delete from remote_effect where user_id = any(${[...userIds]}::uuid[]) and undoes is null`.execute(db);
}

/** The remote effect of a departure, to be undone by a reactivation. */
export interface RemoteUndo {
  rule: string;
  part: string;
  /** Lifecycle version of the departure. */
  undoes: number;
  expected: number;
}

/** A user's inverses that earlier reactivations did not get confirmed, newest departure first. */
export async function waitingInverses(db: Db, userId: string): Promise<RemoteUndo[]> {
  const { rows } = await sql<WaitingInverse>`select ${INVERSE} from ${waitingOf(userId)}`.execute(db);
  return newestFirst(rows);
}

/** The same, and deletes them. */
export async function takeInverses(db: Db, userId: string): Promise<RemoteUndo[]> {
  const { rows } = await sql<WaitingInverse>`delete from ${waitingOf(userId)} returning ${INVERSE}`.execute(db);
  return newestFirst(rows);
}

type WaitingInverse = RemoteUndo & { id: string };

const INVERSE = sql`id, rule, part, undoes::float8, expected::float8`;
const waitingOf = (userId: string) => sql`remote_effect where user_id = ${userId} and undoes is not null`;
const newestFirst = (inverses: WaitingInverse[]): WaitingInverse[] =>
  inverses.sort((a, b) => b.undoes - a.undoes || (a.id < b.id ? -1 : 1));

/** Records the inverses in the order in which they are sent. */
export async function recordInverses(
  db: Db,
  { accountId, userId, lifecycleVersion }: UserEvent['data'],
  undos: readonly RemoteUndo[],
  now: Date,
): Promise<void> {
  if (undos.length === 0) return;
  await sql`
    insert into remote_effect (account_id, user_id, lifecycle_version, rule, part, transition, decided_at, undoes, expected)
    select ${accountId}, ${userId}, ${lifecycleVersion}, u.rule, u.part, 'reactivated', ${now}, u.undoes, u.expected
    from jsonb_to_recordset(${JSON.stringify(undos.map((undo, n) => ({ n, ...undo })))}::jsonb)
      as u (n int, rule text, part text, undoes bigint, expected bigint) order by u.n`.execute(db);
}
