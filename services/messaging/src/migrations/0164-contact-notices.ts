import { migration } from '#libs/database';

/**
 * Texts to the contacts of somebody who leaves, one per contact and decision. They are no messages: conversations of the leaver may
 * be deleted, and reports do not count them. The text is erased when it is not needed any more.
 */
export const contactNoticeTables = migration(
  '0164-contact-notices',
  `create table contact_notice (
    id uuid primary key,
    account_id uuid not null,
    leaver_id user_ref not null,
    lifecycle_version bigint not null,
    departure_id uuid not null,
    inbox_id uuid not null,
    contact_id uuid not null,
    text text,
    status text not null check (status in ('pending', 'sent', 'failed', 'skipped', 'cancelled')),
    attempts int not null default 0,
    due_at timestamptz,
    created_at timestamptz not null,
    unique (leaver_id, lifecycle_version, contact_id),
    check ((status = 'pending') = (text is not null)),
    check ((status = 'pending') = (due_at is not null))
  )`,
  'create index contact_notice_account on contact_notice (account_id, id)',
  'create index contact_notice_departure on contact_notice (departure_id)',
  `create index contact_notice_due on contact_notice (due_at) where status = 'pending'`,
);
