import { migration } from '#libs/database';

/** What the contacts of the leavers of a list are told. An older identity tells nobody. */
export const bulkTelling = migration('0128-bulk-telling', 'alter table bulk_departure add column tell_contacts jsonb');
