import { migration } from '#libs/database';

/** What managers mean to decide about users. A row has no meaning after `expires_at`, or after a decision about the user. */
export const departureDrafts = migration(
  '0104-departure-drafts',
  `create table departure_draft (
    user_id user_ref primary key,
    account_id uuid not null references account,
    saved_by user_ref not null,
    choices jsonb not null,
    reason personal,
    saved_at timestamptz not null,
    expires_at timestamptz not null
  )`,
  'create index departure_draft_saved_by on departure_draft (saved_by)',
  'create index departure_draft_expires on departure_draft (expires_at)',
);
