import { Controller } from '@nestjs/common';
import { notes, type Call, type NewNote } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { about } from './about.js';
import { Note, type NoteRow } from './writing.entity.js';

const base = plainResource(notes, {
  entity: Note,
  shown: ['recordId', 'contactId', 'text', 'createdAt'],
  people: ['author'],
  mine: 'author',
});

@Controller()
export class NoteController extends base {
  override async prepare(call: Call): Promise<Partial<NoteRow>> {
    return { ...(await about(this.em, call)), text: (call.body as NewNote).text };
  }
}
