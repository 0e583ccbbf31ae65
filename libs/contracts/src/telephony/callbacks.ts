import { Id, Moment, Nested, OneOf, PersonFilter } from '../fields.js';
import { ListQuery, operation, OWNED, resource, UserView } from '../operation.js';

const service = 'telephony';

export const CALLBACK_STATUSES = ['pending', 'done'] as const;
export type CallbackStatus = (typeof CALLBACK_STATUSES)[number];

export class NewCallback {
  @Id({ about: 'The contact to call back.' }) contactId: string;
  @Id({
    optional: true,
    nullable: true,
    about: 'The user who should call back. Default: the signed-in user. Null for none.',
  })
  assigneeId?: string | null;
  @Moment() dueAt: string;
  @OneOf(CALLBACK_STATUSES, { optional: true, about: 'Default: `pending`.' }) status?: CallbackStatus;
}

export class Callback {
  @Id() id: string;
  @Id() contactId: string;
  @Id({ nullable: true }) assigneeId: string | null;
  @Nested(() => UserView, { nullable: true }) assignee: UserView | null;
  @Moment() dueAt: string;
  @OneOf(CALLBACK_STATUSES) status: CallbackStatus;
  @Moment() createdAt: string;
}

export class CallbackQuery extends ListQuery {
  @PersonFilter('Id of the assignee, `me` or `none`.') assigneeId?: string;
  @OneOf(CALLBACK_STATUSES, { optional: true }) status?: CallbackStatus;
  @Id({ optional: true }) contactId?: string;
}

export const callbacks = resource({
  service,
  path: '/v1/callbacks',
  access: OWNED,
  noun: 'a callback',
  plural: 'callbacks',
  thing: Callback,
  create: NewCallback,
  query: CallbackQuery,
  errors: ['unknown-user', 'inactive-user'],
});

export class CallbackChanges {
  @Id({ optional: true, nullable: true, about: 'Null unassigns it.' }) assigneeId?: string | null;
  @Moment({ optional: true }) dueAt?: string;
  @OneOf(CALLBACK_STATUSES, {
    optional: true,
    about: 'A callback that is done can become pending again if it is unassigned or its assignee has not left.',
  })
  status?: CallbackStatus;
}

export const callbackUpdate = operation<Callback, CallbackChanges>({
  id: 'callbacks.update',
  service,
  method: 'PATCH',
  access: 'signed-in',
  path: '/v1/callbacks/:id',
  summary: 'Assign, postpone or complete a callback',
  body: CallbackChanges,
  answer: Callback,
  errors: ['not-found', 'conflict', 'unknown-user', 'inactive-user'],
});
