import { Controller } from '@nestjs/common';
import { internalNotes, type Call, type NewInternalNote } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Conversation } from '../conversation/conversation.entity.js';
import { requireReference } from '#libs/database';
import { InternalNote, type InternalNoteRow } from './internal-note.entity.js';

const base = plainResource(internalNotes, {
  entity: InternalNote,
  shown: ['conversationId', 'text', 'createdAt'],
  people: ['author'],
  mine: 'author',
});

@Controller()
export class InternalNoteController extends base {
  override async prepare({ body, principal: { accountId } }: Call): Promise<Partial<InternalNoteRow>> {
    const { conversationId, text } = body as NewInternalNote;
    const detail = 'Name a conversation of this account.';
    await requireReference(this.em, { entity: Conversation, accountId, id: conversationId, detail });
    return { conversationId, text };
  }
}
