import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';
import { tenantRow, userRef } from '#libs/database';

/**
 * A file of contacts and the progress of its import: `uploading` until the last piece has arrived, then `running`.
 * A user has uploaded it (`importedBy`), or it is the file `fileName` of an import source. At `leaseUntil`, another
 * replica may take over.
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
