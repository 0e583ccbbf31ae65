import { Id, Moment, Nested, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

const service = 'contacts';

class NewWriting {
  @Id({ optional: true, about: 'What it is about: a record or a contact, one of them.' }) recordId?: string;
  @Id({ optional: true }) contactId?: string;
  @Id({ optional: true, about: 'The caller unless given; only owners and admins name somebody else.' }) author?: string;
}

class Writing {
  @Id() id: string;
  @Id({ nullable: true }) recordId: string | null;
  @Id({ nullable: true }) contactId: string | null;
  @Nested(() => UserView) author: UserView;
  @Moment() createdAt: string;
}

export class NewNote extends NewWriting {
  @Text({ max: 10_000 }) text: string;
}

export class Note extends Writing {
  @Text({ max: 10_000 }) text: string;
}

export class NewComment extends NewWriting {
  @Text({ max: 10_000 }) text: string;
}

export class Comment extends Writing {
  @Text({ max: 10_000 }) text: string;
}

export class NewAttachedFile extends NewWriting {
  @Text() name: string;
}

export class AttachedFile extends Writing {
  @Text() name: string;
}

export class WritingQuery extends ListQuery {
  @Id({ optional: true }) recordId?: string;
  @Id({ optional: true }) contactId?: string;
  @PersonFilter('Id of the author, or `me`.') author?: string;
}

const common = {
  service,
  query: WritingQuery,
  errors: ['unknown-reference', 'unknown-user', 'inactive-user', 'forbidden'],
} as const;

/** Gone with what they are about, like comments and files. */
export const notes = resource({ ...common, path: '/v1/notes', noun: 'a note', thing: Note, create: NewNote });

export const comments = resource({
  ...common,
  path: '/v1/comments',
  noun: 'a comment',
  thing: Comment,
  create: NewComment,
});

export const files = resource({
  ...common,
  path: '/v1/files',
  noun: 'a file',
  thing: AttachedFile,
  create: NewAttachedFile,
});
