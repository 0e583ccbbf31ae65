import { Controller } from '@nestjs/common';
import { internalNotes } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { Conversation } from '../conversation/conversation.entity.js';
import { InternalNote } from './internal-note.entity.js';

const base = plainResource(internalNotes, {
  entity: InternalNote,
  shown: ['conversationId', 'text', 'createdAt'],
  people: ['author'],
  mine: 'author',
  refers: { conversationId: Conversation },
});

@Controller()
export class InternalNoteController extends base {}
