import { migration } from '#libs/database';

/** A source acts for its owner. Sources from before this migration have none and act for the account. */
export const importSourceOwners = migration(
  '0111-import-source-owners',
  'alter table import_source add column owner_id user_ref',
  'create index import_source_owner on import_source (owner_id, id) where owner_id is not null',
);
