const HISTORY = 'It says who did something, which does not change.';

/** Users whom no PATCH or PUT changes, by resource and field of the answer, each with the reason. */
export const UNCHANGEABLE: Readonly<Record<string, string>> = {
  'account-syncs owner': 'A sync reads the mailbox of its owner with a credential that only the owner can grant.',
  'assignments user': HISTORY,
  'audit actor': HISTORY,
  'audit subject': HISTORY,
  'automation-runs user': HISTORY,
  'calls user': HISTORY,
  'comments author': HISTORY,
  'contact-imports importedBy': HISTORY,
  'contacts assignee': 'It comes from the staff ids of imports. Departures and moves of numbers change it, too.',
  'csat-responses agent': HISTORY,
  'emails owner': 'An email is the correspondence of its owner.',
  'files author': HISTORY,
  'inboxes owner':
    'A personal inbox holds the correspondence of its owner. A caretaker looks after it, and a conversion makes it a shared one.',
  'internal-notes author': HISTORY,
  'invitations invitedBy': HISTORY,
  'invitations user': 'An invitation is for one user, who sets a password with it.',
  'invoices owner': HISTORY,
  'live-chat-operators user': 'Each user has a row of their own.',
  'messages sentBy': HISTORY,
  'notes author': HISTORY,
  'numbers owner': 'POST /v1/numbers/{id}/reassign changes it, and moves the contacts with the number.',
  'numbers quarantinedFrom': HISTORY,
  'public-links createdBy':
    'A link ends with the departure of the user who published it. Another user creates a new one.',
  'scheduled-messages owner': 'It follows the inbox that sends the message, which a PATCH changes.',
  'scheduled-messages scheduledBy': HISTORY,
  'scim-tokens createdBy': 'The creator knows the secret.',
  'segments usedBy': HISTORY,
  'signatures owner': HISTORY,
};
