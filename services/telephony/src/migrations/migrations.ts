import type { Migrations } from '#libs/database';
import { serviceTables } from '#libs/lifecycle';
import { platformMigrations } from '#libs/platform';
import { numberTables } from './0100-numbers.js';
import { callbackTables } from './0101-callbacks.js';
import { callTables } from './0102-call-history.js';
import { numbersOfInboxes } from './0103-numbers-of-inboxes.js';
import { numberContactTables } from './0110-number-contacts.js';

/** In the order in which they are applied; what has been released is never changed. */
export const migrations: Migrations = [
  ...serviceTables,
  ...platformMigrations,
  numberTables,
  callbackTables,
  callTables,
  numbersOfInboxes,
  numberContactTables,
];
