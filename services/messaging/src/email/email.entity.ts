import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import type { EmailVisibility } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';

/** An email that a user has linked to a record, shared with the team or private. */
export const LinkedEmail = defineEntity({
  name: 'LinkedEmail',
  tableName: 'linked_email',
  properties: {
    ...tenantRow(),
    recordId: p.uuid(),
    subject: p.text(),
    body: p.text(),
    visibility: p.text().$type<EmailVisibility>(),
    ownerId: userRef(),
    createdAt: p.datetime(),
  },
});
export type LinkedEmailRow = InferEntity<typeof LinkedEmail>;
