import { namesOf, relationOf } from '#libs/database';
import { sql } from 'kysely';
import { MOST_KNOWN_PEOPLE, type KnownPeople, type Profile, type UserEvent } from '#libs/contracts';
import type { Db } from '../declare/where.js';

interface KnownPerson {
  accountId: string;
  userId: string;
  seq: number;
  profile: Profile;
}

/** A locked directory row, before an event changes it. */
export interface LockedPerson {
  /** The highest lifecycle version that has been applied here; 0 for none. */
  fence: number;
  staffId: string | null;
  underHold: boolean;
}

/**
 * Locks the users' directory rows exclusively, in id order. A transaction that writes a row naming a user holds the user's
 * directory row in key-share mode. It commits either before the rules run, which then see its row, or waits and is refused.
 */
export async function lockPeople(db: Db, userIds: readonly string[]): Promise<Map<string, LockedPerson>> {
  const { rows } = await sql<{ user_id: string; fence: string; staff_id: string | null; legal_hold: boolean }>`
    select user_id, lifecycle_version as fence, staff_id, legal_hold from directory
    where user_id = any(${[...userIds]}::uuid[]) order by user_id for update`.execute(db);
  return new Map(
    rows.map((row) => [row.user_id, { fence: Number(row.fence), staffId: row.staff_id, underHold: row.legal_hold }]),
  );
}

/**
 * Writes the users' profiles, except those that are older than the stored ones.
 * @param fences new fences by user id; the fence of a user without an entry stays
 * @returns for each user whose profile was written: the former fence, and whether the user is under legal hold now
 */
export async function upsertDirectory(
  db: Db,
  people: readonly KnownPerson[],
  fences: ReadonlyMap<string, number> = new Map(),
): Promise<Map<string, { fence: number; underHold: boolean }>> {
  const newest = new Map<string, KnownPerson>();
  for (const person of people)
    if ((newest.get(person.userId)?.seq ?? 0) < person.seq) newest.set(person.userId, person);
  const rows = [...newest.values()].map(({ accountId, userId, seq, profile }) => ({
    user_id: userId,
    account_id: accountId,
    name: profile.status === 'deleted' ? null : profile.name,
    staff_id: profile.status === 'deleted' ? null : profile.staffId,
    status: profile.status,
    seq,
    lifecycle_version: fences.get(userId) ?? 0,
    is_manager: profile.isManager,
    teams: `{${profile.teamIds.join()}}`,
    user_created_at: profile.createdAt,
    redaction_label: profile.redactionLabel,
    legal_hold: profile.legalHold,
    caretaker_id: profile.caretakerId ?? null,
    caretaker_until: profile.caretakerUntil ?? null,
  }));
  if (rows.length === 0) return new Map();
  const { rows: written } = await sql<{ user_id: string; fence: string | null; legal_hold: boolean }>`
    insert into directory as d (${namesOf(DIRECTORY_COLUMNS)}, team_ids)
    select ${namesOf(DIRECTORY_COLUMNS)}, n.teams::uuid[] from ${relationOf('n', rows, { ...DIRECTORY_COLUMNS, teams: 'text' })}
    order by user_id
    on conflict (user_id) do update set name = excluded.name, staff_id = excluded.staff_id, status = excluded.status, seq = excluded.seq,
      lifecycle_version = greatest(d.lifecycle_version, excluded.lifecycle_version),
      is_manager = excluded.is_manager, team_ids = excluded.team_ids, redaction_label = excluded.redaction_label, legal_hold = excluded.legal_hold,
      caretaker_id = excluded.caretaker_id, caretaker_until = excluded.caretaker_until
    where d.seq < excluded.seq
    returning new.user_id, old.lifecycle_version as fence, new.legal_hold`.execute(db);
  return new Map(written.map((row) => [row.user_id, { fence: Number(row.fence ?? 0), underHold: row.legal_hold }]));
}

const DIRECTORY_COLUMNS = {
  user_id: 'uuid',
  account_id: 'uuid',
  name: 'text',
  staff_id: 'text',
  status: 'text',
  seq: 'bigint',
  lifecycle_version: 'bigint',
  is_manager: 'boolean',
  user_created_at: 'timestamptz',
  redaction_label: 'text',
  legal_hold: 'boolean',
  caretaker_id: 'uuid',
  caretaker_until: 'timestamptz',
};

/**
 * Raises the users' fences, so that older decisions no longer have any effect.
 * @param andStatus also writes the status, when the rest of the profile has to wait
 */
export async function raiseFence(db: Db, events: readonly UserEvent[], { andStatus = false } = {}): Promise<void> {
  const decided = events.map(({ data }) => ({
    user_id: data.userId,
    lifecycle_version: data.lifecycleVersion,
    status: andStatus ? data.profile.status : null,
  }));
  await sql`
    update directory d set lifecycle_version = n.lifecycle_version, status = coalesce(n.status, d.status)
    from ${relationOf('n', decided, { user_id: 'uuid', lifecycle_version: 'bigint', status: 'text' })}
    where d.user_id = n.user_id and d.lifecycle_version < n.lifecycle_version`.execute(db);
}

/** Cancels the pending delayed effects of reactivated users. */
export async function cancelScheduledActions(db: Db, userIds: readonly string[], now: Date): Promise<void> {
  await sql`
    update scheduled_action set status = 'cancelled', finished_at = ${now}
    where user_id = any(${[...userIds]}::uuid[]) and status = 'pending'`.execute(db);
}

/** One page of the users in the directory with their versions, for a comparison with identity. */
export async function knownPeople(db: Db, after: string | null): Promise<KnownPeople> {
  const { rows } = await sql<{ account_id: string; user_id: string; seq: number; version: number; left: boolean }>`
    select account_id, user_id, seq::float8, lifecycle_version::float8 as version, status in ('deactivated', 'deleted') as left
    from directory where ${after}::uuid is null or user_id > ${after}::uuid
    order by user_id limit ${MOST_KNOWN_PEOPLE}`.execute(db);
  const people = rows.map((row) => ({
    accountId: row.account_id,
    userId: row.user_id,
    seq: row.seq,
    lifecycleVersion: row.version,
    hasLeft: row.left,
  }));
  return { people, next: rows.length === MOST_KNOWN_PEOPLE ? rows.at(-1)!.user_id : null };
}

/**
 * Filters out deleted users whose name is still in the directory, which happens after a restored backup. The deletion event
 * erases them, because it needs the name to find other data.
 */
export async function withoutPendingDeletions<T extends KnownPerson>(db: Db, people: readonly T[]): Promise<T[]> {
  const deleted = people.filter(({ profile }) => profile.status === 'deleted').map(({ userId }) => userId);
  if (deleted.length === 0) return [...people];
  const { rows } = await sql<{ user_id: string }>`
    select user_id from directory where user_id = any(${deleted}::uuid[]) and status <> 'deleted'`.execute(db);
  const pending = new Set(rows.map((row) => row.user_id));
  return people.filter(({ userId }) => !pending.has(userId));
}
