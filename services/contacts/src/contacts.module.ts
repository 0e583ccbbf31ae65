import { Module } from '@nestjs/common';
import { LifecycleModule } from '#libs/lifecycle';
import { ContactController } from './contact/contact.controller.js';
import { Contact } from './contact/contact.entity.js';
import { RecipientsController } from './contact/recipients.controller.js';
import { BatchWriter } from './contact-import/batch-writer.js';
import { ContactImportController } from './contact-import/contact-import.controller.js';
import { ContactImport } from './contact-import/contact-import.entity.js';
import { ImportJobs } from './contact-import/import-jobs.js';
import { ImportReports } from './contact-import/import-reports.js';
import { ImportWorker } from './contact-import/import.worker.js';
import { Uploads } from './contact-import/uploads.js';
import { contactsRules } from './departures/contacts.rules.js';
import { FilterController } from './filter/filter.controller.js';
import { Filter, FilterCondition } from './filter/filter.entity.js';
import { RecordController } from './record/record.controller.js';
import { CrmRecord } from './record/record.entity.js';
import { SegmentController } from './segment/segment.controller.js';
import { Segment, SegmentUse } from './segment/segment.entity.js';
import { CommentController } from './writing/comment.controller.js';
import { FileController } from './writing/file.controller.js';
import { NoteController } from './writing/note.controller.js';
import { AttachedFile, Comment, Note } from './writing/writing.entity.js';

export const entities = [
  Contact,
  ContactImport,
  CrmRecord,
  Segment,
  SegmentUse,
  Filter,
  FilterCondition,
  Note,
  Comment,
  AttachedFile,
];

/** The contacts of an account: who they are, who looks after them, how they are grouped, and what the team works on. */
@Module({
  imports: [
    LifecycleModule.forService({ service: 'contacts', consumer: 'contacts-users', rules: contactsRules, entities }),
  ],
  controllers: [
    ContactController,
    RecipientsController,
    ContactImportController,
    RecordController,
    SegmentController,
    FilterController,
    NoteController,
    CommentController,
    FileController,
  ],
  providers: [BatchWriter, ImportJobs, ImportReports, ImportWorker, Uploads],
})
export class ContactsModule {}
