import { migration } from '#libs/database';

const SCRUBBED = ['detail', 'salt', 'scrubbed'];
const kept = (row: 'old' | 'new') => `to_jsonb(${row}) - '{${SCRUBBED.join(',')}}'::text[]`;

/**
 * Entries of the audit trail are only appended. The one change that remains is to erase the detail of an entry and to
 * flag that. A trigger refuses everything else, also to the owner of the table, and the service's role lacks the rights.
 */
export const appendOnlyAudit = migration(
  '0095-append-only-audit',
  `create function audit_entry_is_kept() returns trigger language plpgsql as $$
  begin
    if tg_op = 'UPDATE' then
      if old.detail is not null and new.detail is null and new.salt is null and new.scrubbed and ${kept('new')} = ${kept('old')} then
        return new;
      end if;
    end if;
    raise exception 'entries of the audit trail are only appended' using errcode = 'insufficient_privilege';
  end $$`,
  `create trigger audit_entry_is_kept before update or delete on audit_entry
    for each row execute function audit_entry_is_kept()`,
  `create trigger audit_entry_is_never_emptied before truncate on audit_entry
    for each statement execute function audit_entry_is_kept()`,
  // Whatever grants rights on all tables calls it afterwards.
  `create function restrict_grants() returns void language plpgsql as $$
  declare
    runtime name;
  begin
    for runtime in select distinct pg_get_userbyid(a.grantee) from pg_class c, aclexplode(c.relacl) a
      where c.oid = 'audit_entry'::regclass and a.grantee not in (0, c.relowner)
    loop
      execute format('revoke update, delete, truncate on audit_entry from %I', runtime);
      execute format('grant update (${SCRUBBED.join(', ')}) on audit_entry to %I', runtime);
      execute format('revoke delete, truncate on audit_head from %I', runtime);
    end loop;
  end $$`,
  `select restrict_grants()`,
);
