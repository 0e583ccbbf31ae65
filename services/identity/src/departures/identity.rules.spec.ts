import type { EntityManager } from '@mikro-orm/postgresql';
import { Directory, directoryCare, directoryTable, migration } from '#libs/database';
import {
  behavesLikeARule,
  coversEveryPersonalColumn,
  type Person,
  type RuleBench,
  type ServiceUnderTest,
} from '#libs/lifecycle/testing';
import { sql } from 'kysely';
import { entities } from '../identity.module.js';
import { migrations } from '../migrations/migrations.js';
import { identityRules } from './identity.rules.js';
import { kept } from './kept.js';

/**
 * The bench fills the directory by events, but in identity the directory is a view of the users. Here it is a table with a
 * trigger that creates a user for each row.
 */
const noView = migration('9000-no-view', `drop view directory`);
const usersOfDirectory = migration(
  '9001-users-of-directory',
  `create function add_user() returns trigger language plpgsql as $$ begin
    insert into account (id, name, seats, created_at) values (new.account_id, 'Acme', 9, now()) on conflict do nothing;
    insert into users (id, account_id, status, seat_taken, created_at, updated_at)
      values (new.user_id, new.account_id, 'active', false, now(), now());
    return new;
  end $$`,
  `create trigger add_user after insert on directory for each row execute function add_user()`,
);

const identity: ServiceUnderTest = { name: 'identity', entities, rules: identityRules, migrations };
const onBench: ServiceUnderTest = {
  ...identity,
  migrations: [...migrations, noView, directoryTable, directoryCare, usersOfDirectory],
};

type Insert = (owner: Person, bench: RuleBench) => ReturnType<typeof sql>;

/** Inserts a row by plain SQL. */
const row = (insert: Insert) => (em: EntityManager, owner: Person, bench: RuleBench) =>
  insert(owner, bench).execute(em.getKysely());

/** Inserts a row as the service does, which locks the named user against a concurrent departure. */
const guarded = (insert: Insert) => (bench: RuleBench, owner: Person) =>
  bench.em().transactional(async (em) => {
    await new Directory(em).requireActive(owner.accountId, [owner.userId]);
    await insert(owner, bench).execute(em.getKysely());
  });

const written = (insert: Insert) => ({ row: row(insert), write: guarded(insert) });

const user = (changes: ReturnType<typeof sql>) =>
  row(({ userId }) => sql`update users set ${changes} where id = ${userId}`);

const session: Insert = ({ userId }, { ids, clock }) => sql`
  insert into session (id, user_id, family, refresh_hash, created_at, last_used_at, expires_at)
  values (${ids.next()}, ${userId}, ${Buffer.from(ids.next())}, '', now(), now(), ${new Date(clock.millis() + 86_400_000)})`;
const apiToken: Insert = ({ userId }, { ids }) => sql`
  insert into api_token (id, user_id, name, hash, created_at) values (${ids.next()}, ${userId}, 'T', '', now())`;
const invitation: Insert = ({ userId }, { ids, clock }) => sql`
  insert into invitation (id, user_id, invited_by, hash, created_at, expires_at)
  values (${ids.next()}, ${userId}, ${userId}, ${Buffer.from(ids.next())}, now(), ${new Date(clock.millis() + 86_400_000)})`;
const role: Insert = ({ userId }, { ids }) => sql`
  with roles as (select unnest(array['agent', 'admin', 'owner']) as role)
  insert into user_role (id, user_id, role) select ${ids.next()}, ${userId}, role from roles
  where role not in (select role from user_role where user_id = ${userId}) limit 1`;
const membership: Insert = ({ accountId, userId }, { ids }) => sql`
  with t as (insert into team (id, account_id, name, created_at) values (${ids.next()}, ${accountId}, ${ids.next()}, now()) returning id)
  insert into team_member (id, team_id, user_id) select ${ids.next()}, t.id, ${userId} from t`;
const ward: Insert = ({ accountId, userId }, { ids }) => sql`
  insert into users (id, account_id, status, seat_taken, caretaker_id, created_at, updated_at)
  values (${ids.next()}, ${accountId}, 'active', false, ${userId}, now(), now())`;
const report: Insert = ({ accountId, userId }, { ids }) => sql`
  insert into users (id, account_id, status, seat_taken, manager_id, created_at, updated_at)
  values (${ids.next()}, ${accountId}, 'active', false, ${userId}, now(), now())`;
const scimToken: Insert = ({ accountId, userId }, { ids }) => sql`
  insert into scim_token (id, account_id, created_by, name, hash, created_at)
  values (${ids.next()}, ${accountId}, ${userId}, 'Directory', '', now())`;
const scheduled: Insert = ({ accountId, userId }, { ids }) => sql`
  insert into departure (id, account_id, user_id, transition, status, requested_by, requested_at, effective_at, total)
  values (${ids.next()}, ${accountId}, ${ids.next()}, 'deactivated', 'scheduled', ${userId}, now(), now(), 0)`;
const bulk: Insert = ({ accountId, userId }, { ids }) => sql`
  insert into bulk_departure (id, account_id, transition, requested_by, requested_as, requested_at, effective_at, successors, overrides)
  values (${ids.next()}, ${accountId}, 'deactivated', ${userId}, '{admin}', now(), now(), '{}', '{}')`;
const entry =
  (column: 'actor_id' | 'subject_id'): Insert =>
  ({ accountId, userId }, { ids }) => sql`
  insert into audit_entry (id, account_id, seq, at, action, ${sql.ref(column)}, detail, salt, prev_hash, hash)
  values (${ids.next()}, ${accountId}, (random() * 1e15)::bigint, now(), 'user.updated', ${userId}, '{"name":"Robin"}', 's', '', '')`;

behavesLikeARule(onBench, 'identity.sessions', written(session));
behavesLikeARule(onBench, 'identity.api-tokens', written(apiToken));
behavesLikeARule(onBench, 'identity.seat', { row: user(sql`seat_taken = true`), single: true });
behavesLikeARule(onBench, 'identity.invitations', written(invitation));
behavesLikeARule(onBench, 'identity.credentials', { row: user(sql`password_hash = 'h'`), single: true });
behavesLikeARule(onBench, 'identity.memberships', { row: row(role), part: 'roles', single: true });
behavesLikeARule(onBench, 'identity.memberships', { ...written(membership), part: 'teams' });
behavesLikeARule(onBench, 'identity.profile', { row: user(sql`name = 'Robin'`), single: true });
behavesLikeARule(onBench, 'identity.audit', { part: 'about', row: row(entry('subject_id')) });
behavesLikeARule(onBench, 'identity.audit', { part: 'by', row: row(entry('actor_id')) });
behavesLikeARule(onBench, 'identity.caretakers', { ...written(ward), part: 'by' });
behavesLikeARule(onBench, 'identity.caretakers', {
  part: 'of',
  single: true,
  row: row(({ userId }, { ids }) => sql`update users set caretaker_id = ${ids.next()} where id = ${userId}`),
});
behavesLikeARule(onBench, 'identity.managers', { ...written(report), part: 'by' });
behavesLikeARule(onBench, 'identity.managers', {
  part: 'of',
  single: true,
  row: row(({ userId }, { ids }) => sql`update users set manager_id = ${ids.next()} where id = ${userId}`),
});
behavesLikeARule(onBench, 'identity.provisioning-tokens', written(scimToken));
behavesLikeARule(onBench, 'identity.scheduled-departures', { ...written(scheduled), part: 'departures' });
behavesLikeARule(onBench, 'identity.scheduled-departures', { ...written(bulk), part: 'bulk' });
coversEveryPersonalColumn(identity, kept);
