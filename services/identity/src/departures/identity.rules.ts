import {
  always,
  can,
  end,
  free,
  keep,
  NOW,
  owned,
  redact,
  remove,
  revoke,
  rule,
  setting,
  type Rule,
} from '#libs/lifecycle';
import { sql } from 'kysely';
import { ApiToken } from '../api-token/api-token.entity.js';
import { AuditEntry } from '../audit/audit-entry.entity.js';
import { Invitation } from '../invitation/invitation.entity.js';
import { Session } from '../session/session.entity.js';
import { TeamMember } from '../team/team.entity.js';
import { User, UserRole } from '../user/user.entity.js';

const revoked = { revoked: true, revokedAt: NOW } as const;
const stillGood = sql`t.expires_at > l.left_at`;
const notDeleted = { status: ['invited', 'active', 'deactivated'] } as const;
const anyOfProfile = sql`
  num_nonnulls(t.name, t.email, t.avatar_url, t.staff_id, t.user_name, t.external_id, t.scim_name) > 0`;
const noProfile = {
  name: null,
  email: null,
  avatarUrl: null,
  staffId: null,
  userName: null,
  externalId: null,
  scimName: null,
} as const;
const scrubbed = { detail: null, salt: null, scrubbed: true } as const;

/** The rules for a leaver's rows in identity. They run in the transaction of the decision. */
export const identityRules: readonly Rule[] = [
  rule('identity.sessions', 'Sessions', {
    rows: owned(Session, 'userId', { revoked: false }, { match: stillGood }),
    deactivated: always(revoke(revoked)),
  }),
  rule('identity.api-tokens', 'API tokens', {
    rows: owned(ApiToken, 'userId', { revoked: false }),
    deactivated: always(revoke(revoked)),
  }),
  rule('identity.seat', 'Seat', {
    rows: owned(User, 'id', { seatTaken: true }),
    deactivated: always(free({ seatTaken: false })),
  }),
  rule('identity.invitations', 'Open invitations sent by the leaver', {
    rows: owned(Invitation, 'invitedBy', { revoked: false, acceptedAt: null }, { match: stillGood }),
    deactivated: can(revoke(revoked), keep),
  }),
  rule('identity.credentials', 'Password', {
    rows: owned(User, 'id', {}, { match: sql`t.password_hash is not null` }),
    deactivated: always(keep),
    deleted: always(setting('delete', { undo: 'never', destroys: true })({ passwordHash: null })),
  }),
  rule('identity.memberships', 'Roles and teams', {
    rows: [owned(UserRole, 'userId', {}, { part: 'roles' }), owned(TeamMember, 'userId', {}, { part: 'teams' })],
    deactivated: always(keep),
    deleted: always(remove),
  }),
  rule('identity.profile', 'Name, email, picture and staff id', {
    rows: owned(User, 'id', {}, { match: anyOfProfile }),
    deactivated: always(keep),
    deleted: always(redact(noProfile)),
  }),
  rule('identity.audit', 'Details in the audit trail', {
    rows: [
      owned(AuditEntry, 'subjectId', {}, { part: 'about', match: sql`t.detail is not null` }),
      owned(
        AuditEntry,
        'actorId',
        {},
        // Entries about the leaver's own actions on themselves are in the part `about`.
        { part: 'by', match: sql`t.detail is not null and t.subject_id is distinct from t.actor_id` },
      ),
    ],
    deactivated: always(keep),
    deleted: always(redact(scrubbed)),
  }),
  rule('identity.caretakers', 'Taking care of others’ inboxes', {
    // Another user may take care of the leaver's inbox until the leaver is deleted.
    rows: [
      owned(User, 'caretakerId', notDeleted, { part: 'by' }),
      owned(User, 'id', {}, { part: 'of', on: 'deleted' }),
    ],
    deactivated: always(end({ caretakerId: null, caretakerUntil: null })),
    deleted: always(end({ caretakerId: null, caretakerUntil: null })),
  }),
];
