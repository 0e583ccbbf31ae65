import { Id, Moment, Nested, PersonFilter, Text } from '../fields.js';
import { ListQuery, resource, UserView } from '../operation.js';

export class NewInternalNote {
  @Id() conversationId: string;
  @Text({ max: 10_000 }) text: string;
}

export class InternalNote {
  @Id() id: string;
  @Id({ nullable: true, about: 'Null if the conversation has been removed.' }) conversationId: string | null;
  @Text({ max: 10_000 }) text: string;
  @Nested(() => UserView, { about: 'The user who wrote it.' }) author: UserView;
  @Moment() createdAt: string;
}

export class InternalNoteQuery extends ListQuery {
  @Id({ optional: true }) conversationId?: string;
  @PersonFilter('Id of the author, or `me`.') author?: string;
}

export const internalNotes = resource({
  service: 'messaging',
  path: '/v1/internal-notes',
  access: { create: 'signed-in', list: 'signed-in', get: 'record-owner-or-manager', remove: 'record-owner-or-manager' },
  noun: 'an internal note on a conversation',
  plural: 'internal notes on conversations',
  thing: InternalNote,
  create: NewInternalNote,
  query: InternalNoteQuery,
  errors: ['unknown-reference', 'inactive-user'],
});
