import { migration } from '#libs/database';

export const departureMails = migration(
  '0131-departure-mails',
  // What people are to be told of a departure by mail, once for each round. A row stays, so that it is not told twice.
  `create table departure_mail (
    departure_id uuid not null references departure,
    kind text not null,
    round int not null,
    requested_at timestamptz not null,
    sent boolean not null default false,
    look_after timestamptz not null default '-infinity',
    primary key (departure_id, kind, round)
  )`,
  'create index departure_mail_to_send on departure_mail (look_after) where not sent',
  // The departures of lists are not told one by one.
  'create index bulk_departure_row_departure on bulk_departure_row (departure_id) where departure_id is not null',
  // Returns of which people are reminded.
  `create index departure_return on departure (effective_at) where status = 'scheduled' and transition = 'reactivated'`,
  // The kinds of mails that a user has turned off.
  `alter table users add column muted_mails text[] not null default '{}'`,
);
