import { migration } from '#libs/database';

interface UniqueIndex {
  name: string;
  table: 'users' | 'team';
  owner: string;
  folded: string;
  where: string;
}

/**
 * Replaces a unique index on `lower(…)`. Rows that only the new folding makes equal keep what they have: all but the oldest
 * of them are left out of the index, by their ids, until somebody changes them by hand. New rows are compared with the oldest.
 */
const uniqueIndex = ({ name, table, owner, folded, where }: UniqueIndex): string => `
  do $$
  declare twins text;
  begin
    select string_agg(quote_literal(t.id), ',') into twins
    from (
      select id, row_number() over (partition by ${owner}, ${folded} order by created_at, id) as n
      from ${table} where ${where}
    ) t
    where t.n > 1;
    drop index ${name};
    execute 'create unique index ${name} on ${table} (${owner}, ${folded}) where ${where}'
      || coalesce(' and id::uuid <> all (array[' || twins || ']::uuid[])', '');
  end $$`;

/**
 * Identifiers are compared by `fold_case`. The index `users_login` on `lower(email)` stays for replicas of the former version,
 * which look users up by it during an upgrade. The names of the unique indexes stay, because these replicas turn them into
 * problems.
 */
export const foldedCase = migration(
  '0060-folded-case',
  uniqueIndex({
    name: 'users_email',
    table: 'users',
    owner: 'account_id',
    folded: 'fold_case(email)',
    where: 'email is not null',
  }),
  // PostgreSQL checks unique indexes in the order of their creation, and the first violation is the one that is answered.
  'drop index users_staff_id',
  'create unique index users_staff_id on users (account_id, staff_id) where staff_id is not null',
  uniqueIndex({
    name: 'users_user_name',
    table: 'users',
    owner: 'account_id',
    folded: 'fold_case(coalesce(user_name, email))',
    where: 'coalesce(user_name, email) is not null',
  }),
  'drop index users_external_id',
  'create unique index users_external_id on users (account_id, external_id) where external_id is not null',
  uniqueIndex({ name: 'team_name', table: 'team', owner: 'account_id', folded: 'fold_case(name)', where: 'true' }),
  'create index users_folded_email on users (fold_case(email)) where email is not null',
  'drop index users_name',
  'create index users_name on users (account_id, fold_case(name)) where name is not null',
);
