import type { ImportSourceResult, SourceError, SourceKind } from '#libs/contracts';
import { tenantRow } from '#libs/database';
import { defineEntity, p, type InferEntity } from '@mikro-orm/postgresql';

/**
 * A folder on somebody's server, looked into when it is due. `runId` and `leaseUntil` say which run is at it and how long
 * it may stay silent; `unfinished` is what a run had come to that goes on later.
 */
export const ImportSource = defineEntity({
  name: 'ImportSource',
  tableName: 'import_source',
  properties: {
    ...tenantRow(),
    kind: p.text().$type<SourceKind>(),
    host: p.text(),
    port: p.integer(),
    path: p.text(),
    username: p.text(),
    /** Sealed. */
    password: p.text(),
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
  },
});
export type ImportSourceRow = InferEntity<typeof ImportSource>;
