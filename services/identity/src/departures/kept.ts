import type { Kept } from '#libs/lifecycle/testing';

const REDACTED = 'Cleared by identity.profile on a deletion.';
const PART_OF_RECEIPT = 'The record of the departure: the ids of the leaver and of the requester stay.';
const NEEDED_BY_SERVICES = 'Erased when the deletion is completed. No service needs it after that.';
const DELETED_WITH_USER = 'The row is deleted in the transaction of a deletion.';

/** Columns with personal data that no rule covers, with the reason. */
export const kept: Kept = {
  'users.name': REDACTED,
  'users.email': REDACTED,
  'users.staff_id': REDACTED,
  'users.avatar_url': REDACTED,
  'users.user_name': REDACTED,
  'users.external_id': REDACTED,
  'users.scim_name': REDACTED,
  'users.legal_hold_reason':
    'A user under legal hold cannot be deleted. A hold set after the deletion shows why the remaining data is kept.',
  'session.ip': DELETED_WITH_USER,
  'session.user_agent': DELETED_WITH_USER,
  'password_reset.user_id': DELETED_WITH_USER,
  'email_change.user_id': DELETED_WITH_USER,
  'email_change.email': DELETED_WITH_USER,
  'mail_outbox.user_id': DELETED_WITH_USER,
  'sso_connection.break_glass_id': 'The id of an owner.',
  'sso_link.user_id': DELETED_WITH_USER,
  'sso_link.subject': DELETED_WITH_USER,
  'sso_attempt.user_id': DELETED_WITH_USER,
  'passkey.user_id': DELETED_WITH_USER,
  'passkey.name': DELETED_WITH_USER,
  'totp.user_id': DELETED_WITH_USER,
  'recovery_code.user_id': DELETED_WITH_USER,
  'sign_in_challenge.user_id': DELETED_WITH_USER,
  'code_guess.user_id': DELETED_WITH_USER,
  'invitation.user_id': 'The id of the invited user. Users who have left cannot accept.',
  'audit_entry.detail': 'Erased by identity.audit on a deletion.',
  'departure.user_id': PART_OF_RECEIPT,
  'departure.reason':
    'Erased by the decision of a deletion; the reason of the deletion itself is erased when it is completed.',
  'departure.address_digest': NEEDED_BY_SERVICES,
  'departure.identifier_digests': NEEDED_BY_SERVICES,
  'approval.requested_by': 'The id of the user who requested what waits.',
  'approval.token_created_by': 'The id of the user who created the SCIM token with which it was requested.',
  'approval.decided_by': 'The id of the manager who has decided.',
  'approval.reason':
    'Why a departure was refused: erased by the deletion of the leaver. That of a bulk departure is about the list.',
  'departure_draft.user_id': 'The row is deleted by any decision about the user.',
  'departure_draft.saved_by': 'The id of the manager who saved it. The row is deleted after 7 days.',
  'departure_draft.reason': DELETED_WITH_USER,
  'former_identifier.user_id': DELETED_WITH_USER,
  'former_identifier.identifier': DELETED_WITH_USER,
  'former_person.user_id': NEEDED_BY_SERVICES,
  'former_person.digests': NEEDED_BY_SERVICES,
  'bulk_departure.reason': 'Erased when every row is decided. The departures have a copy.',
  'bulk_departure_row.user_id': 'The id of the user of the row.',
  'bulk_dry_run.requested_by':
    'The id of the requester. The row is deleted after 7 days, or when the requester is deleted.',
  'bulk_dry_run_row.user_id': DELETED_WITH_USER,
  'stream_purge.user_id': 'The row is deleted when the broker has purged the user’s older events.',
  'session_end.user_id': 'The row is deleted when the end of the session has been published, within a second.',
  'verification.requested_by': 'The id of the requester.',
  'user_export.user_id': 'The record that a copy was taken, with its digest. The file is deleted after 7 days.',
  'user_export.requested_by': 'The id of the requester.',
};
