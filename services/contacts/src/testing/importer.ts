import { Log } from '#libs/observability';
import { Directory } from '#libs/database';
import type { RuleBench } from '#libs/lifecycle/testing';
import type { EntityManager } from '@mikro-orm/postgresql';
import { BatchWriter } from '../contact-import/batch-writer.js';
import { ImportJobs } from '../contact-import/import-jobs.js';
import { ImportReports } from '../contact-import/import-reports.js';
import { Uploads } from '../contact-import/uploads.js';

class Quiet extends Log {
  override debug(): void {}
  override info(): void {}
  override warn(): void {}
  override error(): void {}
}

/** What imports are made with, on a bench: nothing happens by itself. */
export function importerOn({ orm, ids, clock }: RuleBench) {
  const em = orm.em as EntityManager;
  const directory = new Directory(em);
  return {
    em,
    uploads: new Uploads(em, directory, ids, clock),
    jobs: () => new ImportJobs(em, new BatchWriter(em, ids, clock), clock, new Quiet()),
    reports: new ImportReports(em, directory),
  };
}
