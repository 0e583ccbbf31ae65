import { Controller } from '@nestjs/common';
import { Handles } from '#libs/broker';
import {
  liveChatClose,
  liveChats,
  liveChatTake,
  Problem,
  type AnswerOf,
  type Call,
  type CallOf,
  type LiveChatChanges,
  type NewLiveChat,
} from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { LiveChat, type LiveChatRow } from './live-chat.entity.js';
import { recordNewChat, routeWaiting } from './routing.js';

const base = plainResource(liveChats, {
  entity: LiveChat,
  shown: ['visitor', 'status', 'createdAt'],
  people: ['operatorId'],
  owner: 'operatorId',
});

@Controller()
export class LiveChatController extends base {
  override async prepare({ body }: Call): Promise<Partial<LiveChatRow>> {
    const { visitor, operatorId = null, status } = body as NewLiveChat;
    const initial = operatorId ? 'open' : 'queued';
    if (status && status !== initial && status !== 'closed') {
      throw new Problem('validation', {
        errors: [{ field: 'status', message: `status must be ${initial} or closed here` }],
      });
    }
    return { visitor, operatorId, status: status ?? initial };
  }

  /** A chat without an agent is routed in the same transaction. If nobody is free, it stays in the queue. */
  override async insert(call: Pick<Call, 'principal'>, values: Partial<LiveChatRow>): Promise<LiveChatRow> {
    const chat = await super.insert(call, values);
    if (chat.status === 'open') await recordNewChat(this.em.getKysely(), chat.operatorId!, this.clock.now());
    if (chat.status === 'queued' && (await this.route(chat)) > 0) await this.em.refresh(chat);
    return chat;
  }

  /** A handover leaves room for another chat. */
  override async change(chat: LiveChatRow, call: Call<LiveChatChanges>): Promise<void> {
    const { operatorId = null } = chat;
    await super.change(chat, call);
    if (chat.operatorId === operatorId) return;
    if (chat.status === 'closed') throw new Problem('conflict', { detail: 'This chat is closed.' });
    chat.status = 'open';
    await this.em.flush();
    await recordNewChat(this.em.getKysely(), chat.operatorId!, this.clock.now());
    await this.route(chat);
  }

  @Handles(liveChatTake)
  async take(call: CallOf<typeof liveChatTake>): Promise<AnswerOf<typeof liveChatTake>> {
    const chat = await this.find(call);
    const { accountId, userId } = call.principal;
    if (chat.status === 'open' && chat.operatorId === userId) return this.shown(chat, call);
    if (!(await this.isFree(chat))) throw taken();
    await this.directory.requireActive(accountId, [userId]);
    const seen = { id: chat.id, status: chat.status, operatorId: chat.operatorId ?? null };
    const won = await this.em.nativeUpdate(LiveChat, seen, { operatorId: userId, status: 'open' });
    if (won === 0) throw taken();
    await recordNewChat(this.em.getKysely(), userId, this.clock.now());
    return this.shown(chat, call);
  }

  @Handles(liveChatClose)
  async close(call: CallOf<typeof liveChatClose>): Promise<AnswerOf<typeof liveChatClose>> {
    const chat = await this.find(call);
    await this.em.nativeUpdate(LiveChat, { id: chat.id }, { status: 'closed' });
    await this.route(chat);
    return this.shown(chat, call);
  }

  private route({ accountId }: LiveChatRow): Promise<number> {
    return routeWaiting(this.em.getKysely(), accountId, this.clock.now());
  }

  /** Whether the chat is in the queue, or its agent has left. */
  private async isFree({ status, operatorId }: LiveChatRow): Promise<boolean> {
    if (status !== 'open') return status === 'queued';
    const operator = await this.directory.view(operatorId);
    return operator?.status === 'deactivated' || operator?.status === 'deleted';
  }

  private async shown(chat: LiveChatRow, call: Pick<Call, 'principal'>): Promise<AnswerOf<typeof liveChatTake>> {
    await this.em.refresh(chat);
    return (await this.present([chat], call))[0] as AnswerOf<typeof liveChatTake>;
  }
}

const taken = () => new Problem('conflict', { detail: 'Another agent has this chat, or it is closed.' });
