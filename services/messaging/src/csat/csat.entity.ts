import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

/** A customer's rating of a conversation. It is kept when the conversation is deleted. */
export const CsatResponse = defineEntity({
  name: 'CsatResponse',
  tableName: 'csat_response',
  properties: {
    ...tenantRow(),
    conversationId: p.uuid().nullable(),
    score: p.integer(),
    comment: p.text().nullable(),
    agentId: userRef().nullable(),
    createdAt: p.datetime(),
  },
});
export type CsatResponseRow = InferEntity<typeof CsatResponse>;
