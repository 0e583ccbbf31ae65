import { migration } from '#libs/database';

export const scheduledSendingTables = migration(
  '0111-scheduled-sending',
  // `owner_id`: the owner of the inbox; for a shared inbox, the user who scheduled it. `lease_until`: end of a
  // replica's lease.
  `create table scheduled_message (
    id uuid primary key,
    account_id uuid not null,
    inbox_id uuid not null references message_inbox (id) on delete cascade,
    contact_ids uuid[] not null,
    text text not null,
    at timestamptz not null,
    status text not null check (status in ('scheduled', 'held', 'missed', 'cancelled', 'sent')),
    owner_id user_ref not null,
    scheduled_by user_ref not null,
    team_ids uuid[] not null,
    lease_until timestamptz,
    created_at timestamptz not null
  )`,
  'create index scheduled_message_owner on scheduled_message (owner_id, id)',
  'create index scheduled_message_account on scheduled_message (account_id, id)',
  'create index scheduled_message_inbox on scheduled_message (inbox_id, id)',
  `create index scheduled_message_due on scheduled_message (at) where status in ('scheduled', 'held')`,
  // `definition` is a copy from the time of creation, because the segment can be deleted before the campaign is sent.
  `create table campaign (
    id uuid primary key,
    account_id uuid not null,
    name text,
    text text not null,
    at timestamptz not null,
    status text not null check (status in ('draft', 'scheduled', 'sending', 'sent', 'cancelled')),
    segment_id uuid,
    definition jsonb not null,
    inbox_id uuid references message_inbox (id) on delete set null,
    owner_id user_ref not null,
    team_ids uuid[] not null,
    sent_up_to uuid,
    lease_until timestamptz,
    created_at timestamptz not null
  )`,
  'create index campaign_owner on campaign (owner_id, id)',
  'create index campaign_account on campaign (account_id, id)',
  'create index campaign_inbox on campaign (inbox_id)',
  `create index campaign_due on campaign (at) where status in ('scheduled', 'sending')`,
);
