import {
  always,
  can,
  deleteWith,
  end,
  free,
  keep,
  NOTHING_TO_UNDO,
  NOW,
  owned,
  redact,
  remove,
  revoke,
  rule,
  setting,
  transferWith,
  type Action,
  type ApplyLocally,
  type Rule,
} from '#libs/lifecycle';
import { sql } from 'kysely';
import { ApiToken } from '../api-token/api-token.entity.js';
import { AuditEntry, KEEP_DETAIL } from '../audit/audit-entry.entity.js';
import { Invitation } from '../invitation/invitation.entity.js';
import { ScimToken } from '../scim/scim-token.entity.js';
import { tokensOfLeaver } from './tokens-of-leaver.js';
import { Session } from '../session/session.entity.js';
import { TeamMember } from '../team/team.entity.js';
import { User, UserRole } from '../user/user.entity.js';
import { BulkDepartureEntity } from './decide/bulk/bulk-departure.entity.js';
import { refuseWaitingRows } from './refused-rows.js';
import { scheduledByLeaver } from './scheduled-by-leaver.js';
import { shown } from './shown-rows.js';
import type { IdentityEffects } from './effects/rule-effects.js';
import { DepartureEntity } from './store/departure.entity.js';

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
const deletePassword = setting('delete', { undo: 'never', destroys: true })({ passwordHash: null });
const passwordSetAt = sql`greatest(t.created_at, (select max(a.at) from audit_entry a
  where a.subject_id = t.id and a.action in ('password.reset', 'password.changed', 'user.joined')))`;
const hasDetail = sql`t.detail is not null and t.action not in (${sql.join(KEEP_DETAIL.map((action) => sql.lit(action)))})`;
const scrubbed = { detail: null, salt: null, scrubbed: true } as const;

const NO_EFFECTS: IdentityEffects = {
  tokensRevoked: async () => undefined,
  departuresCancelled: async () => undefined,
  departuresTransferred: async () => undefined,
};

/** Another token can be created, so a legal hold does not delay it. */
const revokeTokens = ({ tokensRevoked }: IdentityEffects): Action => ({
  ...deleteWith({ local: { apply: tokensRevoked, inverse: NOTHING_TO_UNDO } }),
  name: 'revoke',
  destroys: false,
});
/** A cancelled departure stays cancelled: on a return its day may have passed. */
const cancelScheduled = ({ departuresCancelled }: IdentityEffects): Action => {
  const apply: ApplyLocally = async (...given) => {
    await departuresCancelled(...given);
    await refuseWaitingRows(...given);
  };
  const local = { apply, inverse: { impossible: 'on a return the day of a departure may have passed' } };
  return setting('cancel', { undo: 'never' })({ status: 'cancelled' }, { sideEffects: { local } });
};
/** The trail keeps the entry about the transfer when a return restores the rows. */
const transferScheduled = ({ departuresTransferred }: IdentityEffects): Action =>
  transferWith({}, { local: { apply: departuresTransferred, inverse: NOTHING_TO_UNDO } });
/** Those about the leaver end with the decision itself. */
const aboutOthers = sql`t.user_id <> l.user_id`;
/** Not all rows are scheduled, or the list waits for another manager. */
const isPending = sql`
  (t.status = 'awaiting-approval' or t.status = 'open' and not t.decided and t.effective_at is not null)`;

/** The rules for a leaver's rows in identity. They run in the transaction of the decision. */
export const declareIdentityRules = (effects: IdentityEffects): readonly Rule[] => [
  rule('identity.sessions', 'Sessions', {
    rows: owned(Session, 'userId', { revoked: false }, { match: stillGood, shown: shown.session }),
    transferred: always(revoke(revoked)),
    deactivated: always(revoke(revoked)),
  }),
  rule('identity.api-tokens', 'API tokens', {
    rows: owned(ApiToken, 'userId', { revoked: false }, { shown: shown.apiToken }),
    transferred: always(revoke(revoked)),
    deactivated: always(revoke(revoked)),
  }),
  rule('identity.seat', 'Seat', {
    rows: owned(User, 'id', { seatTaken: true }, { shown: shown.user }),
    deactivated: always(free({ seatTaken: false })),
  }),
  rule('identity.invitations', 'Open invitations sent by the leaver', {
    rows: owned(
      Invitation,
      'invitedBy',
      { revoked: false, acceptedAt: null },
      { match: stillGood, shown: shown.invitation },
    ),
    // The former person may know the tokens.
    transferred: always(revoke(revoked)),
    deactivated: can(revoke(revoked), keep),
  }),
  rule('identity.credentials', 'Password', {
    rows: owned(
      User,
      'id',
      {},
      { match: sql`t.password_hash is not null`, grantedAt: passwordSetAt, shown: shown.user },
    ),
    transferred: always(deletePassword),
    deactivated: always(keep),
    deleted: always(deletePassword),
  }),
  rule('identity.memberships', 'Roles and teams', {
    rows: [
      owned(UserRole, 'userId', {}, { part: 'roles', shown: shown.role }),
      owned(TeamMember, 'userId', {}, { part: 'teams', shown: shown.team }),
    ],
    deactivated: always(keep),
    deleted: always(remove),
  }),
  rule('identity.profile', 'Name, email, picture and staff id', {
    rows: owned(User, 'id', {}, { match: anyOfProfile, shown: shown.user }),
    deactivated: always(keep),
    deleted: always(redact(noProfile)),
  }),
  rule('identity.audit', 'Details in the audit trail', {
    rows: [
      owned(AuditEntry, 'subjectId', {}, { part: 'about', match: hasDetail, shown: shown.auditEntry }),
      owned(
        AuditEntry,
        'actorId',
        {},
        // Entries about the leaver's own actions on themselves are in the part `about`.
        {
          part: 'by',
          match: sql`${hasDetail} and t.subject_id is distinct from t.actor_id`,
          shown: shown.auditEntry,
        },
      ),
    ],
    deactivated: always(keep),
    deleted: always(redact(scrubbed)),
  }),
  rule('identity.caretakers', 'Taking care of others’ inboxes', {
    // Another user may take care of the leaver's inbox until the leaver is deleted.
    rows: [
      owned(User, 'caretakerId', notDeleted, { part: 'by', shown: shown.user }),
      owned(User, 'id', {}, { part: 'of', on: 'deleted', shown: shown.user }),
    ],
    deactivated: always(end({ caretakerId: null, caretakerUntil: null })),
    deleted: always(end({ caretakerId: null, caretakerUntil: null })),
  }),
  rule('identity.managers', 'Users who report to the leaver', {
    // A deactivated manager may return. The leaver's own manager is named until the leaver is deleted.
    rows: [
      owned(User, 'managerId', notDeleted, { part: 'by', shown: shown.user }),
      owned(User, 'id', {}, { part: 'of', on: 'deleted', shown: shown.user }),
    ],
    deactivated: always(keep),
    deleted: always(end({ managerId: null, updatedAt: NOW })),
  }),
  rule('identity.provisioning-tokens', 'SCIM tokens created by the leaver', {
    rows: owned(ScimToken, 'createdBy', {}, { shown: shown.scimToken }),
    transferred: always(revokeTokens(effects)),
    deactivated: can(revokeTokens(effects), keep),
    deleted: can(revokeTokens(effects), keep),
    explain: tokensOfLeaver,
    warning: true,
  }),
  rule('identity.scheduled-departures', 'Scheduled departures requested by the leaver', {
    rows: [
      owned(
        DepartureEntity,
        'requestedBy',
        { status: ['scheduled', 'awaiting-approval'] },
        { part: 'departures', match: aboutOthers, shown: shown.departure },
      ),
      // Those on a later day whose rows have not all been scheduled yet, and those that wait for approval.
      owned(
        BulkDepartureEntity,
        'requestedBy',
        { status: ['open', 'awaiting-approval'] },
        { part: 'bulk', match: isPending, shown: shown.bulkDeparture },
      ),
    ],
    deactivated: can(keep, cancelScheduled(effects), transferScheduled(effects)),
    deleted: can(keep, cancelScheduled(effects), transferScheduled(effects)),
    explain: scheduledByLeaver,
    warning: true,
  }),
];

/** The declarations without effects beyond their rows, for documents and tests. */
export const identityRules = declareIdentityRules(NO_EFFECTS);
