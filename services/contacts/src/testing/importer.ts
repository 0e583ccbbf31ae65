import { Directory } from '#libs/database';
import { IdempotencyKeys } from '#libs/platform';
import type { RuleBench } from '#libs/lifecycle/testing';
import type { EntityManager } from '@mikro-orm/postgresql';
import { BatchWriter } from '../contact-import/batch-writer.js';
import { ImportWorker } from '../contact-import/import.worker.js';
import { ImportReports } from '../contact-import/import-reports.js';
import { Uploads } from '../contact-import/uploads.js';

/** Returns the import classes on a test bench. No worker runs by itself. */
export function importerOn({ orm, ids, clock, workers }: RuleBench) {
  const em = orm.em as EntityManager;
  const directory = new Directory(em);
  return {
    em,
    uploads: new Uploads(em, directory, ids, clock, new IdempotencyKeys(clock, ids, em)),
    jobs: () => new ImportWorker(em, new BatchWriter(em, ids, clock, directory), workers),
    reports: new ImportReports(em, directory),
  };
}
