import type { Migrations } from '#libs/database';
import { serviceTables } from '#libs/lifecycle';
import { platformMigrations } from '#libs/platform';
import { contactTables } from './0100-contacts.js';
import { segmentTables } from './0101-segments.js';
import { contactImportTables } from './0102-contact-imports.js';
import { recordTables } from './0103-records.js';
import { filterTables } from './0104-filters.js';
import { writingTables } from './0105-writings.js';
import { importSourceTables } from './0106-import-sources.js';
import { contactMoves } from './0110-contact-moves.js';

/** In the order in which they are applied; what has been released is never changed. */
export const migrations: Migrations = [
  ...serviceTables,
  ...platformMigrations,
  contactTables,
  segmentTables,
  contactImportTables,
  recordTables,
  filterTables,
  writingTables,
  importSourceTables,
  contactMoves,
];
