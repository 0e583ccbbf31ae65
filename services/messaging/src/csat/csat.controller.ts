import { Controller } from '@nestjs/common';
import { csatResponses, type Call, type NewCsatResponse } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Conversation } from '../conversation/conversation.entity.js';
import { conversationsOf } from '../inbox/inbox-access.js';
import { CsatResponse, type CsatResponseRow } from './csat.entity.js';

const base = plainResource(csatResponses, {
  entity: CsatResponse,
  shown: ['conversationId', 'score', 'comment', 'createdAt'],
  people: ['agentId'],
  owner: 'agentId',
  team: (principal, now) => ({ conversationId: { $in: conversationsOf(principal, now) } }),
  refers: { conversationId: Conversation },
});

@Controller()
export class CsatController extends base {
  override async prepare({ body, principal: { accountId } }: Call): Promise<Partial<CsatResponseRow>> {
    const { conversationId, score, comment = null, agentId } = body as NewCsatResponse;
    const agent = agentId === undefined ? await this.handler(accountId, conversationId) : agentId;
    return { conversationId, score, comment, agentId: agent };
  }

  /** Returns the conversation's assignee, or null if they have left: responses can come long after. */
  private async handler(accountId: string, conversationId: string): Promise<string | null> {
    const conversation = await this.em.findOne(Conversation, { id: conversationId, accountId });
    const assignee = conversation?.assignee;
    return assignee && !(await this.directory.lockAndCheckLeft(accountId, assignee)) ? assignee : null;
  }
}
