import { Controller } from '@nestjs/common';
import { internalNotes, type Call, type NewInternalNote } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Conversation } from '../conversation/conversation.entity.js';
import { requireSeen } from '../conversation/seen.js';
import { conversationsOf } from '../inbox/inbox-access.js';
import { InternalNote, type InternalNoteRow } from './internal-note.entity.js';

const base = plainResource(internalNotes, {
  entity: InternalNote,
  shown: ['conversationId', 'text', 'createdAt'],
  people: ['author'],
  mine: 'author',
  refers: { conversationId: Conversation },
  team: (principal, now) => ({
    $or: [
      { conversationId: { $in: conversationsOf(principal, now) } },
      { conversationId: null, author: principal.userId },
    ],
  }),
});

@Controller()
export class InternalNoteController extends base {
  /** @throws Problem `unknown-reference`, also for a conversation that the caller does not see */
  override async prepare(call: Call): Promise<Partial<InternalNoteRow>> {
    const { conversationId } = call.body as NewInternalNote;
    await requireSeen(this.em, call.principal, conversationId, this.clock.now());
    return super.prepare(call);
  }
}
