import { defineEntity, p } from '@mikro-orm/postgresql';
import { migration, personal, tenantRow, userRef } from '#libs/database';
import { sql } from 'kysely';
import {
  always,
  block,
  can,
  deleteAfter,
  deleteRows,
  disable,
  DUE,
  exclude,
  keep,
  LEAVER,
  MANAGERS_SEE,
  ofAccount,
  owned,
  PERSON,
  releaseAfter,
  rule,
  serviceTables,
  shownAs,
  transfer,
  unassign,
} from '#libs/lifecycle';
import { type ServiceUnderTest } from '#libs/lifecycle/testing';

/** Rows of the service `desk`, which the engine's own tests use. It has a rule of each kind. */
export const Thing = defineEntity({
  name: 'Thing',
  tableName: 'thing',
  properties: {
    ...tenantRow(),
    owner: userRef().nullable(),
    formerOwner: userRef().nullable(),
    kind: p.text(),
    state: p.text(),
    label: personal().nullable(),
    releaseAt: p.datetime().nullable(),
  },
});

/** A row of the account, for all its users. */
export const Circular = defineEntity({
  name: 'Circular',
  tableName: 'circular',
  properties: { ...tenantRow(), sentAt: p.datetime() },
});

/** A mark that excludes a user from a circular. */
export const Skip = defineEntity({
  name: 'Skip',
  tableName: 'skip',
  properties: { person: userRef().primary(), circularId: p.uuid().primary(), accountId: p.uuid() },
});

const shown = shownAs('thing', MANAGERS_SEE, { label: 'label' });
const skipping = exclude({ entity: Skip, row: 'circularId', person: 'person' });

const releaseKeys = releaseAfter(7, {
  now: { [PERSON]: null, formerOwner: LEAVER, state: 'waiting', releaseAt: DUE },
  then: owned(Thing, 'formerOwner', { kind: 'key', state: 'waiting' }),
  thenSet: { state: 'released', formerOwner: null },
});

export const desk: ServiceUnderTest = {
  name: 'desk',
  entities: [Thing, Circular, Skip],
  migrations: [
    ...serviceTables,
    migration(
      '0100-thing',
      `create table thing (id uuid primary key, account_id uuid not null, owner user_ref, former_owner user_ref, kind text not null,
        state text not null check (state <> 'impossible'), label personal, release_at timestamptz)`,
      'create index thing_owner on thing (owner, id)',
      'create index thing_former_owner on thing (former_owner, id)',
    ),
    migration(
      '0101-circular',
      'create table circular (id uuid primary key, account_id uuid not null, sent_at timestamptz not null)',
      `create table skip (person user_ref, circular_id uuid references circular (id) on delete cascade, account_id uuid not null,
        primary key (person, circular_id))`,
    ),
    migration(
      '0102-drawer',
      `create table drawer (account_id uuid not null, room text, n int, owner user_ref, helper user_ref, note personal,
        access_token text, seal bytea, opened_at timestamptz, primary key (room, n))`,
    ),
  ],
  rules: [
    rule('desk.chairs', 'Chairs', {
      rows: owned(Thing, 'owner', { kind: 'chair', state: 'open' }, { shown }),
      deactivated: can(unassign, keep, transfer),
      deleted: can(unassign, keep, transfer),
      presets: { helpdesk: { deactivated: keep } },
    }),
    rule('desk.lamps', 'Lamps', {
      rows: owned(Thing, 'owner', { kind: 'lamp' }, { shown }),
      deactivated: can(disable({ state: 'off' })),
      deleted: can(deleteRows, block),
    }),
    rule('desk.letters', 'Letters', {
      rows: owned(Thing, 'owner', { kind: 'letter' }, { shown }),
      deactivated: can(deleteAfter(30)),
      deleted: can(deleteAfter(30)),
    }),
    rule('desk.keys', 'Keys', {
      rows: owned(Thing, 'owner', { kind: 'key', state: 'open' }, { shown }),
      deactivated: can(keep, releaseKeys),
      deleted: can(releaseKeys, keep),
    }),
    // A faulty rule: a check constraint rejects this state.
    rule('desk.traps', 'Traps', {
      rows: owned(Thing, 'owner', { kind: 'trap' }, { shown }),
      deactivated: can(disable({ state: 'impossible' })),
    }),
    // `releaseAt` stands for the time at which a badge was handed out again.
    rule('desk.badges', 'Badges', {
      rows: owned(Thing, 'owner', { kind: 'badge' }, { grantedAt: sql`coalesce(t.release_at, '-infinity')`, shown }),
      transferred: always(disable({ state: 'off' })),
      deactivated: always(disable({ state: 'held' })),
    }),
    rule('desk.plants', 'Plants', {
      rows: owned(
        Thing,
        'owner',
        { kind: 'plant' },
        { shown: shownAs('plant', { see: ['own', 'team'] }, { label: 'label', team: sql`t.state = 'shared'` }) },
      ),
      deactivated: always(keep),
      deleted: always(keep),
    }),
    rule('desk.circulars', 'Circulars', {
      rows: ofAccount(Circular, {}, sql`t.sent_at <= l.left_at`, {
        shown: shownAs('circular', MANAGERS_SEE, { label: 'sentAt' }),
      }),
      deactivated: always(skipping),
      deleted: always(skipping),
    }),
  ],
};
