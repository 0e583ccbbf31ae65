import { Id, Moment, Nested, PersonFilter, Text } from '../fields.js';
import { ListQuery, OWNED, resource, UserView } from '../operation.js';

const service = 'contacts';

class NewWriting {
  @Id({ optional: true, about: 'The record that it is about. Give either a record or a contact.' }) recordId?: string;
  @Id({ optional: true }) contactId?: string;
  @Id({ optional: true, about: 'Default: the signed-in user. Only owners and admins may name another user.' })
  author?: string;
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

/** Notes, comments and files are removed together with their record or contact. */
export const notes = resource({
  ...common,
  path: '/v1/notes',
  access: OWNED,
  noun: 'a note',
  plural: 'notes',
  thing: Note,
  create: NewNote,
});

export const comments = resource({
  ...common,
  path: '/v1/comments',
  access: OWNED,
  noun: 'a comment',
  plural: 'comments',
  thing: Comment,
  create: NewComment,
});

export const files = resource({
  ...common,
  path: '/v1/files',
  access: OWNED,
  noun: 'a file',
  plural: 'files',
  thing: AttachedFile,
  create: NewAttachedFile,
});
