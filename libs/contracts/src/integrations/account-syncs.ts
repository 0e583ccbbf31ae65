import { Id, Moment, Nested, OneOf, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

const service = 'integrations';

export const SYNC_KINDS = ['email', 'contact', 'calendar', 'drive'] as const;
export type SyncKind = (typeof SYNC_KINDS)[number];

export const SYNC_STATUSES = ['active', 'stopped'] as const;
export type SyncStatus = (typeof SYNC_STATUSES)[number];

const GRANT = 'The credential that the provider granted, usually a refresh token. Stored encrypted and never shown.';

export class NewAccountSync {
  @OneOf(SYNC_KINDS) kind: SyncKind;
  @Text({ about: 'The provider, like `google` or `microsoft`.' }) provider: string;
  @Id({ optional: true, about: 'Default: the signed-in user.' }) ownerId?: string;
  @OneOf(SYNC_STATUSES, { optional: true, about: 'Default: `active`.' }) status?: SyncStatus;
  @Text({ optional: true, max: 8000, about: `${GRANT} Only with \`active\`.` }) grant?: string;
}

export class AccountSync {
  @Id() id: string;
  @OneOf(SYNC_KINDS) kind: SyncKind;
  @Text() provider: string;
  @Id() ownerId: string;
  @Nested(() => UserView) owner: UserView;
  @OneOf(SYNC_STATUSES, { about: 'A stopped sync has no grant.' }) status: SyncStatus;
  @Moment() createdAt: string;
  @Moment({ nullable: true }) stoppedAt: string | null;
}

export class AccountSyncQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
  @OneOf(SYNC_KINDS, { optional: true }) kind?: SyncKind;
  @OneOf(SYNC_STATUSES, { optional: true }) status?: SyncStatus;
}

export class AccountSyncChanges {
  @OneOf(SYNC_STATUSES, { about: 'Stopping erases the grant.' }) status: SyncStatus;
  @Text({ optional: true, max: 8000, about: `${GRANT} Only with \`active\`.` }) grant?: string;
}

export const accountSyncs = resource({
  service,
  path: '/v1/account-syncs',
  access: {
    create: 'signed-in',
    list: 'signed-in',
    get: 'record-owner-or-manager',
    remove: 'record-owner-or-manager',
    update: 'record-owner',
  },
  noun: 'an account sync',
  plural: 'account syncs',
  thing: AccountSync,
  create: NewAccountSync,
  query: AccountSyncQuery,
  errors: ['unknown-user', 'inactive-user'],
  update: AccountSyncChanges,
  updateSummary: 'Stop or restart an account sync; owners and admins of the account may only stop the syncs of others',
  updateErrors: ['forbidden', 'inactive-user'],
});
