import { migration } from '#libs/database';

/** What lists are filtered and sorted by. Most departures are completed deactivations, which the index of the account finds. */
export const lists = migration(
  '0103-lists',
  `create index departure_by_status on departure (account_id, status, id) where status <> 'completed'`,
  `create index departure_by_transition on departure (account_id, transition, id) where transition <> 'deactivated'`,
  'create index departure_by_requester on departure (requested_by, id) where requested_by is not null',
  'drop index departure_requested_by',
  'create index departure_by_request on departure (account_id, requested_at, id)',
  'create index departure_by_day on departure (account_id, effective_at, id)',
  `create index departure_next on departure (account_id, effective_at) where status = 'scheduled'`,
  'create index departure_service_of_service on departure_service (service, departure_id)',
  'create index users_by_status on users (account_id, status, id)',
  `create index users_by_name on users (account_id, (name is null), coalesce(left(fold_case(name), 75), ''), id)`,
  `create index users_left on users (account_id, coalesce(deactivated_at, deleted_at, created_at), id)
    where status in ('deactivated', 'deleted')`,
  'create index audit_entry_action on audit_entry (account_id, action, id)',
  'create index audit_entry_at on audit_entry (account_id, at)',
);
