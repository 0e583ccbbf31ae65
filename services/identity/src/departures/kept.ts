import type { Kept } from '#libs/lifecycle/testing';

const REDACTED = 'Emptied by identity.profile on a deletion.';
const A_RECEIPT = 'A departure is the receipt of itself: who it was about and who asked stay, as ids.';
const DELETED_WITH_THE_PERSON = 'The row is deleted in the transaction that decides a deletion.';

/** Columns with a person in them that no rule's rows are found by, and why that is right. */
export const kept: Kept = {
  'users.name': REDACTED,
  'users.email': REDACTED,
  'users.staff_id': REDACTED,
  'users.avatar_url': REDACTED,
  'users.user_name': REDACTED,
  'users.external_id': REDACTED,
  'users.scim_name': REDACTED,
  'users.legal_hold_reason':
    'While it is there nobody can be deleted; one written later says why the rest has to stay.',
  'session.ip': DELETED_WITH_THE_PERSON,
  'session.user_agent': DELETED_WITH_THE_PERSON,
  'password_reset.user_id': DELETED_WITH_THE_PERSON,
  'invitation.user_id': 'Who was invited, as an id. Nobody who has left can accept.',
  'audit_entry.detail': 'Erased by identity.audit on a deletion.',
  'departure.user_id': A_RECEIPT,
  'departure.requested_by': A_RECEIPT,
  'departure.reason': 'Erased when a deletion is decided, or, if it is the reason of the deletion, complete.',
  'departure.address_digest': 'Erased when the deletion is complete, after which no service asks for it any more.',
  'bulk_departure.requested_by': 'Who asked for it, as an id.',
  'bulk_departure.reason': 'Erased once every row is decided; from then on the departures have it.',
  'bulk_departure_row.user_id': 'What has become of a row, as an id.',
  'stream_purge.user_id': 'Gone as soon as the broker has forgotten the person’s older events.',
  'verification.requested_by': 'Who asked for a count, as an id.',
};
