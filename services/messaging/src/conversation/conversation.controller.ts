import type { ObjectQuery } from '@mikro-orm/postgresql';
import { Controller, Inject } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  bulkReassign,
  conversations,
  conversationUpdate,
  inboxConversations,
  isManager,
  Problem,
  type AnswerOf,
  type Call,
  type CallOf,
  type ConversationChanges,
  type ConversationQuery,
  type ListQuery,
  type NewConversation,
  type NoBody,
  type Page,
} from '#libs/contracts';
import { pageWindow, toPage } from '#libs/database';
import { plainResource } from '#libs/platform';
import { inAttendedInboxes, InboxAccess, sharedConversations } from '../inbox/inbox-access.js';
import { InboxReads } from '../inbox/inbox-reads.worker.js';
import { Inbox } from '../inbox/inbox.entity.js';
import { Conversation, type ConversationRow } from './conversation.entity.js';
import { MyContacts } from './my-contacts.js';

const base = plainResource(conversations, {
  entity: Conversation,
  shown: ['contactId', 'inboxId', 'status', 'createdAt'],
  people: ['assignee'],
  refers: { inboxId: Inbox },
  own: inAttendedInboxes,
  team: sharedConversations,
});

/** The contact id is not checked, because contacts belong to another service. */
@Controller()
export class ConversationController extends base {
  private readonly access = new InboxAccess(this.em, this.directory, this.clock);

  /** Injected into properties, so that rules can be tested with the constructor that all plain resources share. */
  @Inject(MyContacts) private readonly myContacts: MyContacts;
  @Inject(InboxReads) private readonly reads: InboxReads;

  override async prepare({ body, principal }: Call): Promise<Partial<ConversationRow>> {
    const { accountId } = principal;
    const { inboxId, contactId, assignee = null, status = 'open' } = body as NewConversation;
    const inbox = await this.em.findOne(Inbox, { id: inboxId, accountId });
    if (inbox) {
      const ownerId = inbox.ownerId ?? null;
      await this.access.assertMayWrite(principal, { id: inboxId, ownerId });
      await this.access.hold(principal, ownerId, [assignee]);
    }
    return { inboxId, contactId, assignee, status };
  }

  override async present(rows: readonly ConversationRow[], call: Pick<Call, 'principal'>): Promise<object[]> {
    const inboxIds = rows.map((row) => row.inboxId);
    if (isManager(call.principal)) await this.reads.record(call.principal, inboxIds);
    return super.present(rows, call);
  }

  override filter(call: Call<NoBody, ConversationQuery>): ObjectQuery<ConversationRow> {
    const { assigneeId, assignee = assigneeId, ...others } = call.query;
    return super.filter({ ...call, query: { ...others, assignee } as ConversationQuery });
  }

  @Handles(inboxConversations)
  async ofInbox(call: CallOf<typeof inboxConversations>): Promise<AnswerOf<typeof inboxConversations>> {
    const inbox = await this.access.find(call);
    const { mine, ...window } = call.query;
    const wanted = { ...window, inboxId: inbox.id };
    const page = mine
      ? await this.withMyContacts(inbox.id, { ...call, query: window })
      : await this.list({ ...call, query: wanted });
    return page as AnswerOf<typeof inboxConversations>;
  }

  private async withMyContacts(inboxId: string, call: Call<NoBody, ListQuery>): Promise<Page<object>> {
    const { limit, before } = pageWindow(call.query);
    const ids = await this.myContacts.conversationsIn(inboxId, call.principal, { before, limit: limit + 1 });
    const rows = await this.em.find(Conversation, { id: { $in: ids } }, { orderBy: { id: 'desc' } });
    const page = toPage(rows, call.query);
    return { ...page, items: await this.present(page.items, call) };
  }

  @Handles(conversationUpdate)
  async update(call: CallOf<typeof conversationUpdate>): Promise<AnswerOf<typeof conversationUpdate>> {
    const row = await this.find(call);
    await this.requireMay('update', row, call);
    const seen = { id: row.id, status: row.status, assignee: row.assignee ?? null };
    const changed = await this.em.nativeUpdate(Conversation, seen, await this.changed(row, call.body));
    if (changed === 0)
      throw new Problem('conflict', { detail: 'The conversation was changed in the meantime. Read it again.' });
    await this.em.refresh(row);
    return (await this.present([row], call))[0] as AnswerOf<typeof conversationUpdate>;
  }

  /** One statement for any number of conversations. */
  @Handles(bulkReassign)
  async reassign({ principal, body }: CallOf<typeof bulkReassign>): Promise<AnswerOf<typeof bulkReassign>> {
    const { assigneeId, status } = body.filter;
    if (!isManager(principal) && assigneeId !== principal.userId) {
      throw new Problem('forbidden', { detail: "Only owners and admins can reassign other users' conversations." });
    }
    await this.directory.requireActive(principal.accountId, [body.to]);
    const statuses = status ? [status] : (['open', 'snoozed'] as const);
    const from = { accountId: principal.accountId, assignee: assigneeId, status: { $in: [...statuses] } };
    return { reassigned: await this.em.nativeUpdate(Conversation, from, { assignee: body.to }) };
  }

  private async changed({ accountId, ...row }: ConversationRow, wanted: ConversationChanges) {
    const status = wanted.status ?? row.status;
    if (wanted.assignee !== undefined) {
      await this.directory.requireActive(accountId, [wanted.assignee]);
      return { status, assignee: wanted.assignee };
    }
    // Locked even if nothing is reopened, so that no departure processes the row while its status changes.
    const left = row.assignee ? await this.directory.lockAndCheckLeft(accountId, row.assignee) : false;
    const reopened = row.status === 'closed' && status !== 'closed';
    return { status, assignee: reopened && left ? null : (row.assignee ?? null) };
  }
}
