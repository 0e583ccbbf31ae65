import { Module } from '@nestjs/common';
import { LifecycleModule } from '#libs/lifecycle';
import { ContactController } from './contact/contact.controller.js';
import { Contact } from './contact/contact.entity.js';
import { BatchWriter } from './contact-import/batch-writer.js';
import { ContactImportController } from './contact-import/contact-import.controller.js';
import { ContactImport } from './contact-import/contact-import.entity.js';
import { ImportJobs } from './contact-import/import-jobs.js';
import { ImportReports } from './contact-import/import-reports.js';
import { ImportWorker } from './contact-import/import.worker.js';
import { Uploads } from './contact-import/uploads.js';
import { contactsRules } from './departures/contacts.rules.js';
import { SegmentController } from './segment/segment.controller.js';
import { Segment, SegmentUse } from './segment/segment.entity.js';

export const entities = [Contact, ContactImport, Segment, SegmentUse];

/** The contacts of an account: who they are, who looks after them, and how they are grouped. */
@Module({
  imports: [
    LifecycleModule.forService({ service: 'contacts', consumer: 'contacts-users', rules: contactsRules, entities }),
  ],
  controllers: [ContactController, ContactImportController, SegmentController],
  providers: [BatchWriter, ImportJobs, ImportReports, ImportWorker, Uploads],
})
export class ContactsModule {}
