import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { LiveChatStatus } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

/** A chat is queued without an agent and open with one. A closed chat keeps its agent. */
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
