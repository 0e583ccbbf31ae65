import { EntityManager, LockMode, raw } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  documentTemplates,
  documentTemplateUpdate,
  documentTemplateUse,
  Problem,
  type Call,
  type Document as DocumentView,
  type DocumentTemplate as DocumentTemplateView,
  type DocumentTemplateChanges,
  type DocumentTemplateUse,
  type NewDocumentTemplate,
} from '#libs/contracts';
import { Clock, Directory, Ids } from '#libs/database';
import { personFields, plainResource } from '#libs/platform';
import { Document } from '../document/document.entity.js';
import { Storages, storagesOf } from '../storage-connection/storages.js';
import { DocumentTemplate, TemplateGrant, type DocumentTemplateRow } from './document-template.entity.js';

const base = plainResource(documentTemplates, {
  entity: DocumentTemplate,
  shown: ['title', 'storageId', 'createdAt'],
  people: ['ownerId'],
  mine: 'ownerId',
  team: ({ userId }) => ({
    id: { $in: raw('(select template_id from template_grant where user_id = ?)', [userId]) },
    storageId: { $in: storagesOf(userId) },
  }),
});

type NewRow = Partial<DocumentTemplateRow> & { grantedUserIds: string[] };

/**
 * A template can be seen and used by its owner and by users with the owner's permission, if they have access to the
 * storage.
 */
@Controller()
export class DocumentTemplateController extends base {
  constructor(
    em: EntityManager,
    directory: Directory,
    ids: Ids,
    clock: Clock,
    private readonly storages: Storages,
  ) {
    super(em, directory, ids, clock);
  }

  override async prepare({ body, principal }: Call): Promise<NewRow> {
    const { ownerId = principal.userId, grantedUserIds = [], ...values } = body as NewDocumentTemplate;
    await this.directory.requireActive(principal.accountId, [ownerId, ...grantedUserIds]);
    await this.storages.requireHost(principal.accountId, values.storageId, ownerId);
    return { ...values, ownerId, grantedUserIds };
  }

  override async insert(
    call: Pick<Call, 'principal'>,
    { grantedUserIds, ...values }: NewRow,
  ): Promise<DocumentTemplateRow> {
    const template = await super.insert(call, values);
    await this.permit(template, grantedUserIds);
    return template;
  }

  override async present(rows: readonly DocumentTemplateRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    const grants = await this.grantsOf(rows.map(({ id }) => id));
    const views = await this.directory.views(grants.map(({ userId }) => userId));
    const byTemplate = Map.groupBy(grants, ({ templateId }) => templateId);
    return answers.map((answer, index) => {
      const grantedUserIds = (byTemplate.get(rows[index]!.id) ?? []).map(({ userId }) => userId);
      return { ...answer, grantedUserIds, grantedUsers: grantedUserIds.map((userId) => views.get(userId)) };
    });
  }

  @Handles(documentTemplateUpdate)
  async update(call: Call<DocumentTemplateChanges>): Promise<DocumentTemplateView> {
    const { title, grantedUserIds } = call.body;
    const template = await this.find(call);
    await this.requireOwner(template, call);
    await this.em.refresh(template, { lockMode: LockMode.PESSIMISTIC_WRITE });
    template.title = title ?? template.title;
    await this.em.flush();
    if (grantedUserIds) await this.permitOnly(template, grantedUserIds);
    return (await this.present([template], call))[0] as DocumentTemplateView;
  }

  @Handles(documentTemplateUse)
  async use(call: Call<DocumentTemplateUse>): Promise<DocumentView> {
    const { title, storageId } = await this.find(call);
    const { accountId, userId } = call.principal;
    await this.storages.requireAccess(storageId, userId);
    await this.directory.requireActive(accountId, [userId]);
    const values = { title, dealId: null, ...call.body, id: this.ids.next(), storageId };
    const createdAt = this.clock.now();
    await this.em.insert(Document, { ...values, accountId, ownerId: userId, createdAt });
    const owner = personFields('ownerId', userId, await this.directory.views([userId]));
    return { ...values, ...owner, createdAt: createdAt.toISOString() } as DocumentView;
  }

  /**
   * Only the owner gives permission; after the owner has left, nobody can.
   * @throws Problem `conflict` when the owner has left, `forbidden` for other users
   */
  private async requireOwner({ accountId, ownerId }: DocumentTemplateRow, { principal }: Call): Promise<void> {
    if (await this.directory.lockAndCheckLeft(accountId, ownerId)) {
      throw new Problem('conflict', {
        detail:
          'The owner of this template has left, so it cannot be changed and no other user can get permission to use it.',
        items: [ownerId],
      });
    }
    if (ownerId === principal.userId) return;
    throw new Problem('forbidden', { detail: 'Only the owner of the template may do this.' });
  }

  private grantsOf(templateIds: readonly string[]) {
    return this.em.find(TemplateGrant, { templateId: { $in: [...templateIds] } }, { orderBy: { id: 'asc' } });
  }

  private async permitOnly(template: DocumentTemplateRow, userIds: readonly string[]): Promise<void> {
    const had = (await this.grantsOf([template.id])).map(({ userId }) => userId);
    const added = userIds.filter((userId) => !had.includes(userId));
    await this.directory.requireActive(template.accountId, added);
    await this.em.nativeDelete(TemplateGrant, { templateId: template.id, userId: { $nin: [...userIds] } });
    await this.permit(template, added);
  }

  private async permit({ id, accountId, ownerId }: DocumentTemplateRow, userIds: readonly string[]): Promise<void> {
    const others = userIds.filter((userId) => userId !== ownerId);
    const rows = others.map((userId) => ({ id: this.ids.next(), accountId, templateId: id, userId }));
    if (rows.length > 0) await this.em.insertMany(TemplateGrant, rows);
  }
}
