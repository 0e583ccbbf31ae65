import { migration } from '#libs/database';

/** What has been published outside of the database: heads of the audit trails, and deletions of users. */
export const publishedHeads = migration(
  '0096-published-heads',
  `alter table audit_head add column published_seq bigint not null default 0`,
  `alter table users add column erasure_recorded boolean not null default false`,
  `create index users_erasures_to_record on users (id) where status = 'deleted' and not erasure_recorded`,
);
