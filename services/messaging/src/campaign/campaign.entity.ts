import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { CampaignStatus } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

/** A text that is sent at a set time to all contacts that match a definition. */
export const Campaign = defineEntity({
  name: 'Campaign',
  tableName: 'campaign',
  properties: {
    ...tenantRow(),
    name: p.text().nullable(),
    text: p.text(),
    at: p.datetime(),
    status: p.text().$type<CampaignStatus>(),
    segmentId: p.uuid().nullable(),
    definition: p.json<Record<string, unknown>>(),
    inboxId: p.uuid().nullable(),
    ownerId: userRef(),
    teamIds: p.array().columnType('uuid[]'),
    createdAt: p.datetime(),
  },
});
export type CampaignRow = InferEntity<typeof Campaign>;
