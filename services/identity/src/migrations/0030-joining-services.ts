import { migration } from '#libs/database';

export const joiningServices = migration(
  '0030-joining-services',
  // Of a service that is new: whether it gets to know everybody, or those who left before it came are brought to it, up to
  // this account. Null when it has joined.
  `alter table service_rules
    add column joining text check (joining in ('meeting', 'catching-up')),
    add column joining_cursor uuid`,
);
