import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { LiveChatStatus } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

/** Waits in the queue without an operator, is open with one, and keeps the operator when it is closed. */
export const LiveChat = defineEntity({
  name: 'LiveChat',
  tableName: 'live_chat',
  properties: {
    ...tenantRow(),
    visitor: p.text(),
    operatorId: userRef().nullable(),
    status: p.text().$type<LiveChatStatus>(),
    createdAt: p.datetime(),
  },
});
export type LiveChatRow = InferEntity<typeof LiveChat>;
