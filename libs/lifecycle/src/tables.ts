import {
  composedDirectory,
  directoryCare,
  directoryManagers,
  directoryTable,
  directoryTeams,
  domainTypes,
  foldCaseFunction,
  migration,
  type Migrations,
} from '#libs/database';

/** The engine's tables in every service's database. */
const lifecycleTables = migration(
  '0003-lifecycle',
  // The decisions about a user, and how far this service has applied them. The key makes a repeated event harmless.
  `create table inbox (
    user_id user_ref not null,
    lifecycle_version bigint not null,
    account_id uuid not null,
    seq bigint not null,
    type text not null,
    departure_id uuid not null,
    active_since bigint not null,
    was_manager boolean not null,
    left_at timestamptz not null,
    status text not null check (status in ('running', 'retry', 'completed', 'failed', 'superseded')),
    round int not null default 0,
    lines jsonb not null default '[]',
    event jsonb,
    attempts int not null default 0,
    due_at timestamptz,
    error text,
    received_at timestamptz not null,
    finished_at timestamptz,
    primary key (user_id, lifecycle_version)
  ) with (fillfactor = 80)`,
  `create index inbox_retry on inbox (due_at) where status = 'retry'`,
  `create index inbox_failed on inbox (account_id) where status = 'failed'`,
  // Steps with more rows than one statement may change; they continue in chunks.
  `create table task (
    user_id user_ref not null,
    lifecycle_version bigint not null,
    position int not null,
    account_id uuid not null,
    rule text not null,
    part text not null,
    transition text not null,
    action jsonb not null,
    successor user_ref,
    cursor uuid,
    affected bigint not null,
    chunk_rows int not null,
    attempts int not null default 0,
    due_at timestamptz not null,
    primary key (user_id, lifecycle_version, position)
  ) with (fillfactor = 50)`,
  `create index task_due on task (due_at)`,
  // Delayed effects.
  `create table scheduled_action (
    user_id user_ref not null,
    rule text not null,
    part text not null,
    lifecycle_version bigint not null,
    account_id uuid not null,
    transition text not null,
    action jsonb not null,
    due_at timestamptz not null,
    status text not null check (status in ('pending', 'done', 'cancelled')),
    affected bigint not null default 0,
    created_at timestamptz not null,
    finished_at timestamptz,
    primary key (user_id, rule, part, lifecycle_version)
  )`,
  `create unique index scheduled_action_one_clock on scheduled_action (user_id, rule, part) where status = 'pending'`,
  `create index scheduled_action_due on scheduled_action (due_at) where status = 'pending'`,
  // Messages that could not be decoded or stored, for the operator.
  `create table dead_letter (
    id uuid primary key,
    subject text not null,
    data bytea not null,
    reason text not null,
    received_at timestamptz not null
  )`,
);

/**
 * The rows that a deactivation has changed, with the former values that do not follow from the rule. The statement that
 * changes the rows writes the record; the user's next decision restores from it or deletes it.
 */
export const undoTable = migration(
  '0005-undo',
  `create table undo (
    user_id user_ref not null,
    id bigint generated always as identity,
    lifecycle_version bigint not null,
    rule text not null,
    part text not null,
    successor user_ref,
    row_ids uuid[] not null,
    before jsonb,
    after jsonb,
    primary key (user_id, id)
  )`,
);

/** The time at which a due effect was reported as waiting for the end of a legal hold. */
const heldEffects = migration('0006-held-effects', 'alter table scheduled_action add column held_at timestamptz');

/** Why the last try of an event failed, and when the next one is. */
const failures = migration('0007-failures', 'alter table inbox add column failure jsonb');

/**
 * Work for other services that they have not confirmed. `lifecycle_version` is that of the decision on whose behalf it is
 * sent: the row is only sent while the directory has the same version. With `undoes` it is an inverse. `lost` of an undo
 * record counts rows of other tables that side effects took and that cannot be restored.
 */
const remoteEffects = migration(
  '0008-remote-effects',
  `create table remote_effect (
    id uuid primary key default uuidv7(),
    account_id uuid not null,
    user_id user_ref not null,
    lifecycle_version bigint not null,
    rule text not null,
    part text not null,
    transition text not null,
    successor user_ref,
    decided_at timestamptz not null,
    undoable boolean not null default false,
    undoes bigint,
    item_ids uuid[] not null default '{}',
    expected bigint not null,
    attempts int not null default 0,
    due_at timestamptz not null default '-infinity'
  )`,
  'create index remote_effect_due on remote_effect (due_at)',
  'create index remote_effect_user on remote_effect (user_id, lifecycle_version)',
  'alter table undo add column lost bigint not null default 0',
);

/** The engine's own tables. Identity uses these. */
export const engineTables: Migrations = [lifecycleTables, undoTable, heldEffects, failures, remoteEffects];

/** The first migrations of every service that consumes user events. */
export const serviceTables: Migrations = [
  domainTypes,
  directoryTable,
  directoryCare,
  ...engineTables,
  directoryManagers,
  foldCaseFunction,
  composedDirectory,
  directoryTeams,
];
