import { LockMode } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { inboxes, isManager, Problem, type Call, type InboxChanges, type NewInbox } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Conversation } from '../conversation/conversation.entity.js';
import { CAMPAIGN_INBOX } from '../message/sending-inboxes.js';
import { othersInboxes } from './inbox-access.js';
import { replaceMembers } from './inbox-members.js';
import { Inbox, InboxMember, type InboxRow } from './inbox.entity.js';

const base = plainResource(inboxes, {
  entity: Inbox,
  shown: ['kind', 'name', 'createdAt'],
  people: ['ownerId'],
  owner: 'ownerId',
  team: othersInboxes,
});

type NewRow = Partial<InboxRow> & { memberIds: string[] };

@Controller()
export class InboxController extends base {
  override async prepare({ body, principal }: Call): Promise<NewRow> {
    const { kind, name, ownerId, memberIds = [] } = body as NewInbox;
    if (kind === 'personal' && memberIds.length > 0) throw misplaced('memberIds', 'A personal inbox has no members');
    if (kind === 'shared' && ownerId) throw misplaced('ownerId', 'A shared inbox has members instead of an owner');
    if (kind === 'personal') return { kind, name, memberIds, ownerId: ownerId ?? principal.userId };
    if (memberIds.length > 0 && !memberIds.includes(principal.userId) && !isManager(principal))
      throw new Problem('forbidden', { detail: 'Only owners and admins can make an inbox for other users.' });
    return { kind, name, memberIds, ownerId: null, openToAll: memberIds.length === 0 };
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

  /** Former members may stay even if they have left: after a return they are members as before. */
  override async prepareChange(inbox: InboxRow, { body: { name, memberIds } }: Call<InboxChanges>): Promise<void> {
    const isCampaigns = (one: string) => inbox.kind === 'shared' && one === CAMPAIGN_INBOX;
    if (name !== undefined && isCampaigns(name) !== isCampaigns(inbox.name))
      throw new Problem('conflict', {
        detail: `Campaigns are sent from the shared inbox with the name ${CAMPAIGN_INBOX}.`,
      });
    if (!memberIds) return;
    if (inbox.kind === 'personal') throw new Problem('conflict', { detail: 'A personal inbox has no members.' });
    const left = await this.directory.lockAndFindLeft(inbox.accountId, memberIds);
    if (left.size === memberIds.length)
      throw new Problem('inactive-user', { detail: 'Choose a member who has not left.', items: [...left] });
  }

  override async change(inbox: InboxRow, { body: { name, memberIds } }: Call<InboxChanges>): Promise<void> {
    inbox.name = name ?? inbox.name;
    if (memberIds) await replaceMembers(this, inbox, memberIds);
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
