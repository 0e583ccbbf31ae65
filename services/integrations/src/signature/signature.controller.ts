import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Problem, signatures, type Call, type NewSignature } from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { plainResource } from '#libs/platform';
import { Document } from '../document/document.entity.js';
import { Storages } from '../storage-connection/storages.js';
import { Signature, type SignatureRow } from './signature.entity.js';

const base = plainResource(signatures, {
  entity: Signature,
  shown: ['documentId', 'dealId', 'dealVisibleTo', 'title', 'provider', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
  team: () => ({ dealVisibleTo: 'everyone' }),
});

/** Users who can see the deal can see its signatures, whether or not the sender has left. */
@Controller()
export class SignatureController extends base {
  constructor(
    em: EntityManager,
    directory: Directory,
    ids: Ids,
    clock: Clock,
    private readonly storages: Storages,
  ) {
    super(em, directory, ids, clock);
  }

  override async prepare({ body, principal }: Call): Promise<Partial<SignatureRow>> {
    const { ownerId = principal.userId, documentId = null, ...values } = body as NewSignature;
    await this.directory.requireActive(principal.accountId, [ownerId]);
    if (documentId) await this.requireDocument(principal.accountId, documentId, ownerId);
    return { dealVisibleTo: 'everyone', provider: 'built-in', ...values, ownerId, documentId };
  }

  /** @throws Problem `unknown-reference`, or `forbidden` when the sender has no access to the document's storage */
  private async requireDocument(accountId: string, id: string, ownerId: string): Promise<void> {
    const document = await this.em.findOne(Document, { id, accountId });
    if (!document)
      throw new Problem('unknown-reference', { detail: 'Choose a document of this account.', items: [id] });
    await this.storages.requireAccess(document.storageId, ownerId);
  }
}
