import { Id, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';

const service = 'integrations';

export const SYNC_KINDS = ['email', 'contact', 'calendar', 'drive'] as const;
export type SyncKind = (typeof SYNC_KINDS)[number];

export const SYNC_STATUSES = ['active', 'stopped'] as const;
export type SyncStatus = (typeof SYNC_STATUSES)[number];

const GRANT = 'What the provider granted, a refresh token as a rule. Kept encrypted and never shown again.';

export class NewAccountSync {
  @OneOf(SYNC_KINDS) kind: SyncKind;
  @Text({ about: 'With whom, like `google` or `microsoft`.' }) provider: string;
  @Id({ optional: true, about: 'The caller unless given.' }) ownerId?: string;
  @OneOf(SYNC_STATUSES, { optional: true, about: '`active` unless given.' }) status?: SyncStatus;
  @Text({ optional: true, max: 8000, about: `${GRANT} Only for an active one.` }) grant?: string;
}

export class AccountSync {
  @Id() id: string;
  @OneOf(SYNC_KINDS) kind: SyncKind;
  @Text() provider: string;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @OneOf(SYNC_STATUSES, { about: 'A stopped one has lost its grant.' }) status: SyncStatus;
  @Moment() createdAt: string;
  @Moment({ nullable: true }) stoppedAt: string | null;
}

export class AccountSyncQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @OneOf(SYNC_KINDS, { optional: true }) kind?: SyncKind;
  @OneOf(SYNC_STATUSES, { optional: true }) status?: SyncStatus;
}

export const accountSyncs = resource({
  service,
  path: '/v1/account-syncs',
  noun: 'an account sync',
  thing: AccountSync,
  create: NewAccountSync,
  query: AccountSyncQuery,
  errors: ['unknown-user', 'inactive-user'],
});

export class AccountSyncChanges {
  @OneOf(SYNC_STATUSES, { about: 'Stopping erases the grant.' }) status: SyncStatus;
  @Text({ optional: true, max: 8000, about: `${GRANT} Only for \`active\`.` }) grant?: string;
}

export const accountSyncUpdate = operation<AccountSync, AccountSyncChanges>({
  id: 'account-syncs.update',
  service,
  method: 'PATCH',
  path: '/v1/account-syncs/:id',
  summary: 'Stop an account sync or start it again; for its owner, stopping also for managers',
  body: AccountSyncChanges,
  answer: AccountSync,
  errors: ['not-found', 'forbidden', 'inactive-user'],
});
