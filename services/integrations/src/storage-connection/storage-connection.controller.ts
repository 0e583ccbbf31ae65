import { ForeignKeyConstraintViolationException, LockMode } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  Problem,
  storageConnections,
  storageConnectionUpdate,
  type Call,
  type NewStorageConnection,
  type StorageConnection as StorageConnectionView,
  type StorageConnectionChanges,
} from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { storagesOf } from './storages.js';
import { StorageAccess, StorageConnection, type StorageConnectionRow } from './storage-connection.entity.js';

const base = plainResource(storageConnections, {
  entity: StorageConnection,
  shown: ['provider', 'createdAt'],
  own: ({ userId }) => ({ id: { $in: storagesOf(userId) } }),
});

type NewRow = Partial<StorageConnectionRow> & { userIds: string[] };

@Controller()
export class StorageConnectionController extends base {
  override async prepare({ body, principal }: Call): Promise<NewRow> {
    const { provider, userIds = [principal.userId] } = body as NewStorageConnection;
    return { provider, userIds };
  }

  override async insert(call: Pick<Call, 'principal'>, { userIds, ...values }: NewRow): Promise<StorageConnectionRow> {
    await this.directory.requireActive(call.principal.accountId, userIds);
    const storage = await super.insert(call, values);
    await this.admit(storage, userIds);
    return storage;
  }

  override async present(rows: readonly StorageConnectionRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    const accesses = await this.accessesOf(rows.map(({ id }) => id));
    const views = await this.directory.views(accesses.map(({ userId }) => userId));
    const byStorage = Map.groupBy(accesses, ({ storageId }) => storageId);
    return answers.map((answer, index) => {
      const userIds = (byStorage.get(rows[index]!.id) ?? []).map(({ userId }) => userId);
      return { ...answer, userIds, users: userIds.map((userId) => views.get(userId)) };
    });
  }

  override async discard({ id }: StorageConnectionRow): Promise<void> {
    await this.em.nativeDelete(StorageConnection, { id }).catch((error: unknown) => {
      if (error instanceof ForeignKeyConstraintViolationException)
        throw new Problem('conflict', { detail: 'This storage still has documents or templates. Remove them first.' });
      throw error;
    });
  }

  /** Managers may give themselves access, so that a storage stays reachable when the last user with access leaves. */
  @Handles(storageConnectionUpdate)
  async update(call: Call<StorageConnectionChanges>): Promise<StorageConnectionView> {
    const { body } = call;
    const storage = await this.find(call);
    await this.requireMay('update', storage, call);
    await this.em.refresh(storage, { lockMode: LockMode.PESSIMISTIC_WRITE });
    const accesses = await this.accessesOf([storage.id]);
    const had = accesses.map(({ userId }) => userId);
    const added = body.userIds.filter((userId) => !had.includes(userId));
    await this.directory.requireActive(storage.accountId, added);
    await this.em.nativeDelete(StorageAccess, { storageId: storage.id, userId: { $nin: body.userIds } });
    await this.admit(storage, added);
    return (await this.present([storage], call))[0] as StorageConnectionView;
  }

  private accessesOf(storageIds: readonly string[]) {
    return this.em.find(StorageAccess, { storageId: { $in: [...storageIds] } }, { orderBy: { id: 'asc' } });
  }

  private async admit({ id, accountId }: StorageConnectionRow, userIds: readonly string[]): Promise<void> {
    const rows = userIds.map((userId) => ({ id: this.ids.next(), accountId, storageId: id, userId }));
    if (rows.length > 0) await this.em.insertMany(StorageAccess, rows);
  }
}
