import { migration } from '#libs/database';

/** Identifiers that users had before, until they are deleted. Those from before the upgrade come from the audit trail. */
export const formerIdentifiers = migration(
  '0062-former-identifiers',
  `create table former_identifier (
    id uuid primary key,
    user_id user_ref not null,
    identifier personal not null,
    created_at timestamptz not null,
    unique (user_id, identifier)
  )`,
  `insert into former_identifier (id, user_id, identifier, created_at)
    select uuidv7(), e.subject_id, normalize(e.detail::jsonb -> field ->> 'from', nfc), e.at
    from audit_entry e
      cross join unnest(array['name', 'email', 'staffId']) as field
    where e.action = 'user.updated' and e.subject_id is not null and e.detail is json object
      and e.detail::jsonb -> field ->> 'from' is not null
    on conflict (user_id, identifier) do nothing`,
  // Only now, because a foreign key locks the users.
  'alter table former_identifier add foreign key (user_id) references users',
  // Who was the user before a transfer. Nothing names them any more; the id is the salt of the digests, a JSON array.
  `create table former_person (
    id uuid primary key,
    user_id user_ref not null references users,
    digests personal not null,
    created_at timestamptz not null
  )`,
  'create index former_person_user on former_person (user_id)',
  // The identifiers of a deletion that is not completed, as a JSON array of digests.
  'alter table departure add column identifier_digests personal',
);
