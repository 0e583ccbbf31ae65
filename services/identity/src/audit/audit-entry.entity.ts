import { defineEntity, p } from '@mikro-orm/postgresql';
import { personal, tenantRow, userRef } from '#libs/database';

/** The action of an entry about erased details. */
export const SCRUBBED = 'audit.scrubbed';
export const SIGN_IN_FAILED = 'user.sign-in-failed';
export const CERTIFICATE_ISSUED = 'certificate.issued';
export const EXPORT_REQUESTED = 'user.export-requested';
export const EXPORTED = 'user.exported';
export const EXPORT_DOWNLOADED = 'user.export-downloaded';

/** The details of these entries are numbers, ids of departures, exports and keys, and digests, so they stay when the subject is deleted. */
export const KEEP_DETAIL: readonly string[] = [
  SCRUBBED,
  SIGN_IN_FAILED,
  CERTIFICATE_ISSUED,
  EXPORT_REQUESTED,
  EXPORTED,
  EXPORT_DOWNLOADED,
];

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
