import { Id, Moment, Nested, OneOf, PersonFilter } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';

const service = 'telephony';

export const CALLBACK_STATUSES = ['pending', 'done'] as const;
export type CallbackStatus = (typeof CALLBACK_STATUSES)[number];

export class NewCallback {
  @Id({ about: 'Who is to be called back.' }) contactId: string;
  @Id({ optional: true, nullable: true, about: 'Who is to call; the caller unless given, nobody when null.' })
  assigneeId?: string | null;
  @Moment() dueAt: string;
  @OneOf(CALLBACK_STATUSES, { optional: true, about: '`pending` unless given.' }) status?: CallbackStatus;
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
  noun: 'a callback',
  thing: Callback,
  create: NewCallback,
  query: CallbackQuery,
  errors: ['unknown-user', 'inactive-user'],
});

export class CallbackChanges {
  @Id({ optional: true, nullable: true, about: 'Null for nobody.' }) assigneeId?: string | null;
  @Moment({ optional: true }) dueAt?: string;
  @OneOf(CALLBACK_STATUSES, {
    optional: true,
    about: 'One that is done becomes pending again only for somebody who has not left, or for nobody.',
  })
  status?: CallbackStatus;
}

export const callbackUpdate = operation<Callback, CallbackChanges>({
  id: 'callbacks.update',
  service,
  method: 'PATCH',
  path: '/v1/callbacks/:id',
  summary: 'Assign a callback, put it off, or say that it is done',
  body: CallbackChanges,
  answer: Callback,
  errors: ['not-found', 'conflict', 'unknown-user', 'inactive-user'],
});
