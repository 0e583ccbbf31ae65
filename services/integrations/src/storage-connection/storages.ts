import { EntityManager, raw, type RawQueryFragment } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { sql } from 'kysely';
import { Problem } from '#libs/contracts';
import { StorageAccess, StorageConnection } from './storage-connection.entity.js';

/** Checks access to storage connections. */
@Injectable()
export class Storages {
  constructor(private readonly em: EntityManager) {}

  /** @throws Problem `forbidden` when the user has no access to the storage */
  async requireAccess(storageId: string, userId: string): Promise<void> {
    if ((await this.em.count(StorageAccess, { storageId, userId })) > 0) return;
    throw new Problem('forbidden', {
      detail: 'You need access to the storage that hosts this.',
      items: [storageId],
    });
  }

  /**
   * Checks that the owner can store something there.
   * @throws Problem `unknown-reference` when the storage is not one of the account, `forbidden` when the owner has no
   * access
   */
  async requireHost(accountId: string, storageId: string, ownerId: string): Promise<void> {
    if ((await this.em.count(StorageConnection, { id: storageId, accountId })) === 0) {
      throw new Problem('unknown-reference', {
        detail: 'Choose a storage connection of this account.',
        items: [storageId],
      });
    }
    await this.requireAccess(storageId, ownerId);
  }

  /** Whether the given user, or any user if none is given, has not left and is connected with the provider. */
  async isConnected(accountId: string, provider: string, userId?: string): Promise<boolean> {
    const given = userId ? sql`and a.user_id = ${userId}` : sql``;
    const { rows } = await sql`
      select 1 from storage_connection s join storage_access a on a.storage_id = s.id join directory d on d.user_id = a.user_id
      where s.account_id = ${accountId} and s.provider = ${provider} and d.status not in ('deactivated', 'deleted') ${given}
      limit 1`.execute(this.em.getKysely());
    return rows.length > 0;
  }
}

/** SQL for a condition: the ids of the storages that the user has access to. */
export const storagesOf = (userId: string): RawQueryFragment =>
  raw('(select storage_id from storage_access where user_id = ?)', [userId]);
