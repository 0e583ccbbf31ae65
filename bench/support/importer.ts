import 'reflect-metadata';
import { MikroORM, type EntityManager } from '@mikro-orm/postgresql';
import { Directory, ormOptions } from '#libs/database';
import { BatchWriter } from '../../services/contacts/src/contact-import/batch-writer.js';
import { ImportWorker } from '../../services/contacts/src/contact-import/import.worker.js';
import { contacts } from '../scenes/contacts.js';
import { clock, ids, workers } from './participant.js';

/** A process of the contacts service that only runs an import, which starts when the parent process sends a message. */
const [databaseUrl, importId] = process.argv.slice(2);
const orm = await MikroORM.init(ormOptions(databaseUrl!, contacts.parts.entities));
const em = orm.em as EntityManager;
const jobs = new ImportWorker(em, new BatchWriter(em, ids, clock, new Directory(em)), workers);
process.once('message', () => void work());
process.on('disconnect', () => process.exit(1));
process.send!('ready');

/** Runs the import and sends the parent the peak growth of the process and its initial size, in bytes. */
async function work(): Promise<void> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const look = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
  await jobs.work(importId!);
  clearInterval(look);
  await orm.close(true);
  process.send!({ grown: peak - before, peak }, () => process.exit(0));
}
