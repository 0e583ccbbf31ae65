import type { User } from '#libs/contracts';
import { displayName } from '#libs/database';
import { isoOrNull } from '../common/moments.js';
import type { UserRow } from './user-rows.js';

/** Converts a row to the API representation of a user. */
export function toUser(row: UserRow, now: Date): User {
  const gone = row.status === 'deleted';
  const cared = row.caretaker_id !== null && (row.caretaker_until === null || new Date(row.caretaker_until) > now);
  return {
    id: row.id,
    staffId: gone ? null : row.staff_id,
    name: displayName({ ...row, user_id: row.id }),
    email: gone ? null : row.email,
    avatarUrl: gone ? null : row.avatar_url,
    roles: row.roles,
    teamIds: row.team_ids,
    status: row.status,
    lifecycleVersion: row.lifecycle_version,
    deactivatedAt: isoOrNull(row.deactivated_at),
    deletedAt: isoOrNull(row.deleted_at),
    legalHold: row.legal_hold,
    caretakerId: cared ? row.caretaker_id : null,
  };
}
