import { sql } from 'kysely';
import type { Profile, UserEvent } from '#libs/contracts';
import type { Db } from './rule.js';

export interface Person {
  userId: string;
  /** The highest lifecycle version that has been applied here. */
  appliedVersion: number;
}

interface KnownPerson {
  accountId: string;
  userId: string;
  seq: number;
  profile: Profile;
}

/**
 * Takes the people's directory rows exclusively, in the order of their ids. Writers who name one of them hold the same
 * rows in share: they come either before the rules, which then see their rows, or after, and are refused.
 */
export async function lockPeople(db: Db, userIds: readonly string[]): Promise<Map<string, Person>> {
  const { rows } = await sql<{ user_id: string; lifecycle_version: string }>`
    select user_id, lifecycle_version from directory where user_id = any(${[...userIds]}::uuid[]) order by user_id for update`.execute(
    db,
  );
  return new Map(
    rows.map((row) => [row.user_id, { userId: row.user_id, appliedVersion: Number(row.lifecycle_version) }]),
  );
}

/** Writes what the events say about people, unless something newer is known. The fence stays where it is. */
export async function learn(db: Db, people: readonly KnownPerson[]): Promise<void> {
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
    is_manager: profile.isManager,
    team_ids: profile.teamIds,
    user_created_at: profile.createdAt,
    redaction_label: profile.redactionLabel,
    legal_hold: profile.legalHold,
    caretaker_id: profile.caretakerId ?? null,
    caretaker_until: profile.caretakerUntil ?? null,
  }));
  if (rows.length === 0) return;
  await sql`
    insert into directory as d (user_id, account_id, name, staff_id, status, seq, lifecycle_version, is_manager, team_ids, user_created_at, redaction_label, legal_hold,
      caretaker_id, caretaker_until)
    select n.user_id, n.account_id, n.name, n.staff_id, n.status, n.seq, 0, n.is_manager, n.team_ids, n.user_created_at, n.redaction_label, n.legal_hold,
      n.caretaker_id, n.caretaker_until
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as n (user_id uuid, account_id uuid, name text, staff_id text, status text, seq bigint,
      is_manager boolean, team_ids uuid[], user_created_at timestamptz, redaction_label text, legal_hold boolean,
      caretaker_id uuid, caretaker_until timestamptz)
    order by n.user_id
    on conflict (user_id) do update set name = excluded.name, staff_id = excluded.staff_id, status = excluded.status, seq = excluded.seq,
      is_manager = excluded.is_manager, team_ids = excluded.team_ids, redaction_label = excluded.redaction_label, legal_hold = excluded.legal_hold,
      caretaker_id = excluded.caretaker_id, caretaker_until = excluded.caretaker_until
    where d.seq < excluded.seq`.execute(db);
}

/** Moves the fence: what was decided before these versions may no longer do anything. */
export async function fence(db: Db, events: readonly UserEvent[]): Promise<void> {
  await sql`
    update directory d set lifecycle_version = n.lifecycle_version
    from unnest(${events.map((e) => e.data.userId)}::uuid[], ${events.map((e) => e.data.lifecycleVersion)}::bigint[]) as n (user_id, lifecycle_version)
    where d.user_id = n.user_id and d.lifecycle_version < n.lifecycle_version`.execute(db);
}

/** A reactivation calls off what was still waiting for its day. */
export async function callOff(db: Db, userIds: readonly string[], now: Date): Promise<void> {
  await sql`
    update scheduled_action set status = 'cancelled', finished_at = ${now}
    where user_id = any(${[...userIds]}::uuid[]) and status = 'pending'`.execute(db);
}
