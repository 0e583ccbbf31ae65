import { Controller } from '@nestjs/common';
import { comments, type Call, type NewComment } from '#libs/contracts';
import { plainResource } from '#libs/platform';
import { about, refers } from './about.js';
import { Comment, type CommentRow } from './writing.entity.js';

const base = plainResource(comments, {
  entity: Comment,
  shown: ['recordId', 'contactId', 'text', 'createdAt'],
  people: ['author'],
  mine: 'author',
  refers,
});

@Controller()
export class CommentController extends base {
  override async prepare(call: Call): Promise<Partial<CommentRow>> {
    return { ...about(call), text: (call.body as NewComment).text };
  }
}
