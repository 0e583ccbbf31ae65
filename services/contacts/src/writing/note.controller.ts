import { Controller } from '@nestjs/common';
import { notes, type Call, type NewNote } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { about, refers } from './about.js';
import { Note, type NoteRow } from './writing.entity.js';

const base = plainResource(notes, {
  entity: Note,
  shown: ['recordId', 'contactId', 'text', 'createdAt'],
  people: ['author'],
  mine: 'author',
  refers,
});

@Controller()
export class NoteController extends base {
  override async prepare(call: Call): Promise<Partial<NoteRow>> {
    return { ...about(call), text: (call.body as NewNote).text };
  }
}
