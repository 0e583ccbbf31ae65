import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

/**
 * A file of contacts and how far it has been worked off. `uploading` until its last piece is here, then `running`.
 * Uploaded by somebody, or come from an import source under the name `fileName`. `leaseUntil` says how long the replica that works on it may stay silent.
 */
export const ContactImport = defineEntity({
  name: 'ContactImport',
  tableName: 'contact_import',
  properties: {
    ...tenantRow(),
    importedBy: userRef().nullable(),
    sourceId: p.uuid().nullable(),
    fileName: p.text().nullable(),
    userIdField: p.text().nullable(),
    status: p.text().$type<'uploading' | 'running' | 'completed' | 'failed'>(),
    chunks: p.integer().default(0),
    rowsDone: p.bigint('number').default(0),
    created: p.bigint('number').default(0),
    updated: p.bigint('number').default(0),
    assigned: p.bigint('number').default(0),
    cleared: p.bigint('number').default(0),
    unmatchedTotal: p.bigint('number').default(0),
    rejectedTotal: p.bigint('number').default(0),
    error: p.text().nullable(),
    attempts: p.integer().default(0),
    leaseUntil: p.datetime().nullable(),
    touchedAt: p.datetime(),
    createdAt: p.datetime(),
    finishedAt: p.datetime().nullable(),
  },
});
export type ContactImportRow = InferEntity<typeof ContactImport>;
