import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { DealAudience, SignatureProvider } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

export const Signature = defineEntity({
  name: 'Signature',
  tableName: 'signature',
  properties: {
    ...tenantRow(),
    documentId: p.uuid().nullable(),
    dealId: p.uuid(),
    /** The deal's visibility. The deal itself belongs to another service. */
    dealVisibleTo: p.text().$type<DealAudience>(),
    title: p.text(),
    provider: p.text().$type<SignatureProvider>(),
    ownerId: userRef(),
    createdAt: p.datetime(),
  },
});
export type SignatureRow = InferEntity<typeof Signature>;
