import { isManager, type Principal, type User } from '#libs/contracts';
import { displayName } from '#libs/database';
import { isoOf, isoOrNull } from '../common/moments.js';
import type { UserRow } from './user-rows.js';

/** The user who reads. */
export type Viewer = Pick<Principal, 'roles'>;

/** Converts a row to the API representation of a user. Only managers see suspensions, legal holds, and until when a caretaker stays. */
export function toUser(row: UserRow, viewer: Viewer, now: Date): User {
  const gone = row.status === 'deleted';
  const managed = isManager(viewer);
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
    suspendedAt: managed ? isoOrNull(row.suspended_at) : null,
    legalHold: managed && row.legal_hold,
    ...(managed && row.legal_hold_reason !== null && { legalHoldReason: row.legal_hold_reason }),
    managerId: gone ? null : row.manager_id,
    caretakerId: cared ? row.caretaker_id : null,
    ...(managed && cared && row.caretaker_until !== null && { caretakerUntil: isoOf(row.caretaker_until) }),
  };
}
