import { defineEntity, p } from '@mikro-orm/postgresql';
import { personal, tenantRow, userRef } from '#libs/database';

export const AuditEntry = defineEntity({
  name: 'AuditEntry',
  tableName: 'audit_entry',
  properties: {
    ...tenantRow(),
    seq: p.bigint('number'),
    at: p.datetime(),
    action: p.text(),
    actorId: userRef().nullable(),
    system: p.text().nullable(),
    subjectId: userRef().nullable(),
    /** JSON as it was hashed; may hold personal detail of the subject and of nobody else. */
    detail: personal().nullable(),
    salt: p.text().nullable(),
    detailDigest: p.text().nullable(),
    scrubbed: p.boolean(),
    prevHash: p.text(),
    hash: p.text(),
  },
});
