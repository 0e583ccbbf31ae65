import { ACCOUNT_OF_CALL, migration, rowsWhere, sharedRows } from '#libs/database';

/** What calls see of the tables whose rows neither have an account nor refer to a row that has one. */
export const rowsOfAccounts = migration(
  '0110-rows-of-accounts',
  rowsWhere('account', `id = ${ACCOUNT_OF_CALL}`),
  // The catalogue of rules is the same for all accounts.
  sharedRows('service_rules'),
  sharedRows('retired_service'),
  // All accounts have the same keys; the private ones are encrypted.
  sharedRows('signing_key'),
  // A mailbox is known by a keyed digest, and all accounts together may mail it only so often.
  rowsWhere('mail_budget', 'true'),
);
