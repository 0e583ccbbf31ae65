import { defineEntity, p } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '@leaver/service-kit/database';

/** An invoice that waits for approval. */
export const Approval = defineEntity({
  name: 'Approval',
  tableName: 'approval',
  properties: {
    ...tenantRow(),
    invoice: p.text(),
    approverId: userRef().nullable(),
    status: p.enum(['pending', 'approved', 'refused']),
  },
});
