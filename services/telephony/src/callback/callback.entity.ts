import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { CallbackStatus } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

export const Callback = defineEntity({
  name: 'Callback',
  tableName: 'callback',
  properties: {
    ...tenantRow(),
    contactId: p.uuid(),
    assigneeId: userRef().nullable(),
    dueAt: p.datetime(),
    status: p.text().$type<CallbackStatus>(),
    createdAt: p.datetime(),
  },
});
export type CallbackRow = InferEntity<typeof Callback>;
