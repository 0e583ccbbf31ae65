import { migration } from '#libs/database';

export const retiredServices = migration(
  '0053-retired-services',
  // When the service last declared its rules, which it does every few minutes.
  'alter table service_rules add column heard_at timestamptz',
  // Services that an operator has retired. A row goes when the service declares rules again.
  'create table retired_service (service text primary key, retired_at timestamptz not null)',
  `alter table departure_service drop constraint departure_service_status_check,
    add constraint departure_service_status_check
      check (status in ('pending', 'running', 'completed', 'failed', 'superseded', 'retired'))`,
);
