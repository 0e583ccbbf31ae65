import type { ImportSourceResult, SourceError, SourceKind } from '#libs/contracts';
import { tenantRow, userRef } from '#libs/database';
import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';

/**
 * A folder on a customer's server that is polled when it is due. `runId` is the current run, and `leaseUntil` the end
 * of its lease. `unfinished` is the result so far of a run that continues later.
 */
export const ImportSource = defineEntity({
  name: 'ImportSource',
  tableName: 'import_source',
  properties: {
    ...tenantRow(),
    /** Null for a source from before sources had owners. */
    ownerId: userRef().nullable(),
    kind: p.text().$type<SourceKind>(),
    host: p.text(),
    port: p.integer(),
    path: p.text(),
    username: p.text(),
    /** Encrypted. Null after another person has taken the owner over: an inactive source until it gets a password. */
    password: p.text().nullable(),
    hostKey: p.text().nullable(),
    offeredHostKey: p.text().nullable(),
    userIdField: p.text().nullable(),
    everyMinutes: p.integer(),
    active: p.boolean(),
    dueAt: p.datetime(),
    runId: p.uuid().nullable(),
    leaseUntil: p.datetime().nullable(),
    failures: p.integer().default(0),
    unfinished: p.json<ImportSourceResult>().nullable(),
    lastRunAt: p.datetime().nullable(),
    lastResult: p.json<ImportSourceResult>().nullable(),
    lastError: p.text().$type<SourceError>().nullable(),
    createdAt: p.datetime(),
    /** When its password was last changed. */
    grantedAt: p.datetime().nullable(),
  },
});
export type ImportSourceRow = InferEntity<typeof ImportSource>;
