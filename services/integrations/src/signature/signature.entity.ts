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
    /** The deal itself is elsewhere; this is what has to be known of it here. */
    dealVisibleTo: p.text().$type<DealAudience>(),
    title: p.text(),
    provider: p.text().$type<SignatureProvider>(),
    ownerId: userRef(),
    createdAt: p.datetime(),
  },
});
export type SignatureRow = InferEntity<typeof Signature>;
