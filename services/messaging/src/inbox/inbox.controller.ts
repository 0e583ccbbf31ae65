import { LockMode, type ObjectQuery } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { inboxes, Problem, type Call, type ListQuery, type NewInbox, type NoBody } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Conversation } from '../conversation/conversation.entity.js';
import { visibleInboxes } from './inbox-access.js';
import { Inbox, InboxMember, type InboxRow } from './inbox.entity.js';

const base = plainResource(inboxes, { entity: Inbox, shown: ['kind', 'name', 'createdAt'], people: ['ownerId'] });

type NewRow = Partial<InboxRow> & { memberIds: string[] };

@Controller()
export class InboxController extends base {
  override async prepare({ body, principal }: Call): Promise<NewRow> {
    const { kind, name, ownerId, memberIds = [] } = body as NewInbox;
    if (kind === 'personal' && memberIds.length > 0) throw misplaced('memberIds', 'A personal inbox has no members');
    if (kind === 'shared' && ownerId) throw misplaced('ownerId', 'A shared inbox has members instead of an owner');
    return { kind, name, memberIds, ownerId: kind === 'personal' ? (ownerId ?? principal.userId) : null };
  }

  override filter(call: Call<NoBody, ListQuery>): ObjectQuery<InboxRow> {
    return { ...super.filter(call), ...visibleInboxes(call.principal, this.clock.now()) };
  }

  /** @throws Problem `not-found`, also for a personal inbox that the caller may not see */
  override async find({ params, principal }: Pick<Call, 'params' | 'principal'>): Promise<InboxRow> {
    const seen = visibleInboxes(principal, this.clock.now());
    const inbox = await this.em.findOne(Inbox, { id: params.id, accountId: principal.accountId, ...seen });
    if (!inbox) throw new Problem('not-found');
    return inbox;
  }

  override async insert(call: Pick<Call, 'principal'>, { memberIds, ...values }: NewRow): Promise<InboxRow> {
    const { accountId } = call.principal;
    await this.directory.requireActive(accountId, memberIds);
    const inbox = await super.insert(call, values);
    for (const userId of memberIds) {
      this.em.create(InboxMember, { id: this.ids.next(), accountId, inboxId: inbox.id, userId });
    }
    await this.em.flush();
    return inbox;
  }

  override async present(rows: readonly InboxRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const answers = await super.present(rows, call);
    const inboxIds = rows.map((row) => row.id);
    const members = await this.em.find(InboxMember, { inboxId: { $in: inboxIds } }, { orderBy: { id: 'asc' } });
    const views = await this.directory.views(members.map((member) => member.userId));
    const byInbox = Map.groupBy(members, (member) => member.inboxId);
    return answers.map((answer, index) => {
      const memberIds = (byInbox.get(inboxIds[index]!) ?? []).map((member) => member.userId);
      return { ...answer, memberIds, members: memberIds.map((id) => views.get(id)) };
    });
  }

  /** @throws Problem `conflict` if the inbox contains conversations, which must not be deleted by accident */
  override async discard(inbox: InboxRow): Promise<void> {
    await this.em.lock(inbox, LockMode.PESSIMISTIC_WRITE);
    if (await this.em.findOne(Conversation, { inboxId: inbox.id }, { fields: ['id'] })) {
      throw new Problem('conflict', { detail: 'There are conversations in this inbox. Remove them first.' });
    }
    this.em.remove(inbox);
  }
}

const misplaced = (field: string, message: string) => new Problem('validation', { errors: [{ field, message }] });
