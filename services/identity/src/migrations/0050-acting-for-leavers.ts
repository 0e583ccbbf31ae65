import { migration } from '#libs/database';

/** Finds what would go on in the name of a user who leaves. Tokens from before this migration have no known creator. */
export const actingForLeavers = migration(
  '0050-acting-for-leavers',
  'alter table scim_token add column created_by user_ref',
  'create index scim_token_created_by on scim_token (created_by) where created_by is not null',
  `create index departure_scheduled_by on departure (requested_by, id) where status = 'scheduled'`,
  `alter table bulk_departure add column status text not null default 'open' check (status in ('open', 'cancelled'))`,
  'create index bulk_departure_requested_by on bulk_departure (requested_by, id) where not decided',
);
