import { migration } from '#libs/database';

/** How many days before an erasure managers are notified, and when the notice of a scheduled erasure is due. */
export const erasureNotices = migration(
  '0117-erasure-notices',
  'alter table account add column erase_announced_days_before int check (erase_announced_days_before between 0 and 365)',
  // Null: none is due, or it has been given.
  'alter table departure add column notice_at timestamptz',
  "create index departure_notice on departure (notice_at) where notice_at is not null and status = 'scheduled'",
);
