import { EntityManager, raw } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  documentTemplates,
  documentTemplateUse,
  Problem,
  type Call,
  type Document as DocumentView,
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

  /**
   * Only the owner changes it and gives permission; after the owner has left, nobody can. All users are locked in one call,
   * in the same order as by a departure.
   * @throws Problem `conflict` when the owner has left, `forbidden` for other users
   */
  override async requireMay(verb: string, template: DocumentTemplateRow, call: Pick<Call, 'principal'>): Promise<void> {
    if (verb !== 'update') return super.requireMay(verb, template, call);
    const { ownerId: receiver, grantedUserIds = [] } = (call as Call<DocumentTemplateChanges>).body;
    const { accountId, ownerId } = template;
    const left = await this.directory.lockAndFindLeft(accountId, [ownerId, receiver, ...grantedUserIds]);
    if (left.has(ownerId))
      throw new Problem('conflict', {
        detail:
          'The owner of this template has left, so it cannot be changed and no other user can get permission to use it.',
        items: [ownerId],
      });
    await super.requireMay(verb, template, call);
  }

  override async prepareChange(template: DocumentTemplateRow, call: Call<DocumentTemplateChanges>): Promise<void> {
    await super.prepareChange(template, call);
    const { ownerId } = call.body;
    if (ownerId) await this.storages.requireHost(template.accountId, template.storageId, ownerId);
  }

  /** A new owner needs no permission any more. */
  override async change(template: DocumentTemplateRow, call: Call<DocumentTemplateChanges>): Promise<void> {
    const { grantedUserIds, ...changes } = call.body;
    await super.change(template, { ...call, body: changes });
    if (grantedUserIds) await this.permitOnly(template, grantedUserIds);
    await this.em.nativeDelete(TemplateGrant, { templateId: template.id, userId: template.ownerId });
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
