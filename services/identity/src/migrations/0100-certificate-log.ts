import { migration } from '#libs/database';

const PUBLISHED = ['published'];
const kept = (row: 'old' | 'new') => `to_jsonb(${row}) - '{${PUBLISHED.join(',')}}'::text[]`;

/**
 * Which entry of the audit trail is about which certificate, and the published proof of that entry. Like the trail it is only
 * appended. It has ids and digests, nothing that a deletion would have to erase.
 */
export const certificateLog = migration(
  '0100-certificate-log',
  `create table certificate_log (
    sha256 text primary key,
    account_id uuid not null,
    seq bigint not null,
    departure_id uuid not null,
    issued_at timestamptz not null,
    published jsonb,
    unique (account_id, seq)
  )`,
  `create index certificate_log_of_departure on certificate_log (departure_id, issued_at)`,
  `create index certificate_log_unpublished on certificate_log (account_id, seq) where published is null`,
  `create function certificate_log_is_kept() returns trigger language plpgsql as $$
  begin
    if tg_op = 'UPDATE' then
      if old.published is null and new.published is not null and ${kept('new')} = ${kept('old')} then
        return new;
      end if;
    end if;
    raise exception 'entries of the certificate log are only appended' using errcode = 'insufficient_privilege';
  end $$`,
  `create trigger certificate_log_is_kept before update or delete on certificate_log
    for each row execute function certificate_log_is_kept()`,
  `create trigger certificate_log_is_never_emptied before truncate on certificate_log
    for each statement execute function certificate_log_is_kept()`,
  // As 0095-append-only-audit has it, and the same for the log.
  `create or replace function restrict_grants() returns void language plpgsql as $$
  declare
    runtime name;
  begin
    for runtime in select distinct pg_get_userbyid(a.grantee) from pg_class c, aclexplode(c.relacl) a
      where c.oid in ('audit_entry'::regclass, 'certificate_log'::regclass) and a.grantee not in (0, c.relowner)
    loop
      execute format('revoke update, delete, truncate on audit_entry, certificate_log from %I', runtime);
      execute format('grant update (detail, salt, scrubbed) on audit_entry to %I', runtime);
      execute format('grant update (${PUBLISHED.join(', ')}) on certificate_log to %I', runtime);
      execute format('revoke delete, truncate on audit_head from %I', runtime);
    end loop;
  end $$`,
  `select restrict_grants()`,
);
