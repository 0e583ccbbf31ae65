import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { documents, type Call, type DocumentChanges, type NewDocument } from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { plainResource } from '#libs/platform';
import { Storages, storagesOf } from '../storage-connection/storages.js';
import { Document, type DocumentRow } from './document.entity.js';

const base = plainResource(documents, {
  entity: Document,
  shown: ['title', 'storageId', 'dealId', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
  team: ({ userId }) => ({ storageId: { $in: storagesOf(userId) } }),
});

/** Access depends only on access to the storage, not on whether the owner has left. */
@Controller()
export class DocumentController extends base {
  constructor(
    em: EntityManager,
    directory: Directory,
    ids: Ids,
    clock: Clock,
    private readonly storages: Storages,
  ) {
    super(em, directory, ids, clock);
  }

  override async prepare({ body, principal }: Call): Promise<Partial<DocumentRow>> {
    const { ownerId = principal.userId, ...values } = body as NewDocument;
    await this.directory.requireActive(principal.accountId, [ownerId]);
    await this.storages.requireHost(principal.accountId, values.storageId, ownerId);
    return { ...values, ownerId };
  }

  override async prepareChange(document: DocumentRow, call: Call<DocumentChanges>): Promise<void> {
    await super.prepareChange(document, call);
    const { ownerId } = call.body;
    if (ownerId) await this.storages.requireHost(document.accountId, document.storageId, ownerId);
  }
}
