import { Id, Ids, ListOf, Moment, Pattern } from '../fields.js';
import { ListQuery, operation, OWNED, resource, UserView } from '../operation.js';

const service = 'integrations';

/** The provider of a connection to QuickBooks. */
export const QUICKBOOKS = 'quickbooks';

const Provider = (about: string, optional = false) =>
  Pattern(/^[a-z0-9][a-z0-9_-]{0,59}$/, 'lower-case letters, digits, hyphens and underscores', { about, optional });

export class NewStorageConnection {
  @Provider('Like `google-drive` or `onedrive`. `quickbooks` connects its users to QuickBooks.') provider: string;
  @Ids({ optional: true, min: 1, about: 'The users with access. Default: the signed-in user.' }) userIds?: string[];
}

export class StorageConnection {
  @Id() id: string;
  @Provider('The storage provider.') provider: string;
  @Ids({ about: 'The users with access. A user who has left regains access after a return.' }) userIds: string[];
  @ListOf(() => UserView) users: UserView[];
  @Moment() createdAt: string;
}

export class StorageConnectionQuery extends ListQuery {
  @Provider('Only connections to this provider.', true) provider?: string;
}

export const storageConnections = resource({
  service,
  path: '/v1/storage-connections',
  access: OWNED,
  noun: 'a storage connection',
  plural: 'storage connections',
  thing: StorageConnection,
  create: NewStorageConnection,
  query: StorageConnectionQuery,
  errors: ['conflict', 'unknown-user', 'inactive-user'],
  removeErrors: ['conflict'],
});

export class StorageConnectionChanges {
  @Ids({ about: 'The users with access. Replaces the list.' }) userIds: string[];
}

export const storageConnectionUpdate = operation<StorageConnection, StorageConnectionChanges>({
  id: 'storage-connections.update',
  service,
  method: 'PATCH',
  access: 'record-owner-or-manager',
  path: '/v1/storage-connections/:id',
  summary: 'Change who has access to a storage connection; for users with access, owners and admins',
  body: StorageConnectionChanges,
  answer: StorageConnection,
  errors: ['not-found', 'forbidden', 'unknown-user', 'inactive-user'],
});
