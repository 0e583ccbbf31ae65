import { defineEntity, p } from '@mikro-orm/postgresql';
import { personal, tenantRow, userRef } from '#libs/database';

/**
 * The action of an entry about erased details. Its own detail is the number of entries only, so it stays when the subject
 * is deleted.
 */
export const SCRUBBED = 'audit.scrubbed';

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
    /** The JSON that was hashed. Can contain personal data of the subject, but of no other user. */
    detail: personal().nullable(),
    salt: p.text().nullable(),
    detailDigest: p.text().nullable(),
    scrubbed: p.boolean(),
    prevHash: p.text(),
    hash: p.text(),
  },
});
