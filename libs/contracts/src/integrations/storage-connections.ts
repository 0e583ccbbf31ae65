import { Id, Ids, ListOf, Moment, Pattern } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';

const service = 'integrations';

/** The provider by which an account is connected with QuickBooks. */
export const QUICKBOOKS = 'quickbooks';

const Provider = (about: string, optional = false) =>
  Pattern(/^[a-z0-9][a-z0-9_-]{0,59}$/, 'lower-case letters, digits, hyphens and underscores', { about, optional });

export class NewStorageConnection {
  @Provider('Like `google-drive` or `onedrive`; `quickbooks` connects its users with QuickBooks.') provider: string;
  @Ids({ optional: true, min: 1, about: 'Who has access; the caller unless given.' }) userIds?: string[];
}

export class StorageConnection {
  @Id() id: string;
  @Provider('Where it is.') provider: string;
  @Ids({ about: 'Who has access. For somebody who has left it counts again when they return.' }) userIds: string[];
  @ListOf(() => UserView) users: UserView[];
  @Moment() createdAt: string;
}

export class StorageConnectionQuery extends ListQuery {
  @Provider('Only of this provider.', true) provider?: string;
}

export const storageConnections = resource({
  service,
  path: '/v1/storage-connections',
  noun: 'a storage connection',
  thing: StorageConnection,
  create: NewStorageConnection,
  query: StorageConnectionQuery,
  errors: ['conflict', 'unknown-user', 'inactive-user'],
  removeErrors: ['conflict'],
});

export class StorageConnectionChanges {
  @Ids({ about: 'Who has access from now on; nobody else.' }) userIds: string[];
}

export const storageConnectionUpdate = operation<StorageConnection, StorageConnectionChanges>({
  id: 'storage-connections.update',
  service,
  method: 'PATCH',
  path: '/v1/storage-connections/:id',
  summary: 'Say who has access to a storage; for whoever has access and for managers',
  body: StorageConnectionChanges,
  answer: StorageConnection,
  errors: ['not-found', 'forbidden', 'unknown-user', 'inactive-user'],
});
