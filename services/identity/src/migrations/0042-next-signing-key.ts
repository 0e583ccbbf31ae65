import { migration } from '#libs/database';

export const nextSigningKey = migration(
  '0042-next-signing-key',
  // A key is published a while before anything is signed with it. Until then it counts as retired.
  'alter table signing_key add column next_from timestamptz',
  'create unique index signing_key_next on signing_key ((true)) where next_from is not null',
);
