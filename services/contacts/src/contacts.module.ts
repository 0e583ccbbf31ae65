import { Module } from '@nestjs/common';
import { Ids, type Migrations } from '#libs/database';
import { LifecycleModule, serviceTables } from '#libs/lifecycle';
import {
  keyRotation,
  RotatingEncryption,
  Encryption,
  type EncryptedColumn,
  controllersOf,
  entitiesOf,
  platformMigrations,
  type ServiceResource,
} from '#libs/platform';
import { ContactController } from './contact/contact.controller.js';
import { Contact } from './contact/contact.entity.js';
import { NamedContactsController } from './contact/named-contacts.controller.js';
import { RecipientsController } from './contact/recipients.controller.js';
import { ContactMovesController } from './contact-move/contact-moves.controller.js';
import { DepartureMoves } from './contact-move/departure-moves.js';
import { ContactsForgetting } from './departures/forgetting.js';
import { AbandonedUploads } from './contact-import/abandoned-uploads.worker.js';
import { BatchWriter } from './contact-import/batch-writer.js';
import { ContactImportController } from './contact-import/contact-import.controller.js';
import { ContactImport } from './contact-import/contact-import.entity.js';
import { ImportReports } from './contact-import/import-reports.js';
import { ImportWorker } from './contact-import/import.worker.js';
import { Uploads } from './contact-import/uploads.js';
import { ContactsConfig } from './contacts.config.js';
import { contactsRules } from './departures/contacts.rules.js';
import { FilterController } from './filter/filter.controller.js';
import { Filter, FilterCondition } from './filter/filter.entity.js';
import { FileStaging } from './import-source/file-staging.js';
import { ImportSourceController } from './import-source/import-source.controller.js';
import { ImportSource } from './import-source/import-source.entity.js';
import { ImportSourceWorker } from './import-source/import-source.worker.js';
import { RemoteFolders } from './import-source/remote-folders.js';
import { SourceFiles } from './import-source/source-files.js';
import { SourceSchedule } from './import-source/source-schedule.js';
import { contactTables } from './migrations/0100-contacts.js';
import { segmentTables } from './migrations/0101-segments.js';
import { contactImportTables } from './migrations/0102-contact-imports.js';
import { recordTables } from './migrations/0103-records.js';
import { filterTables } from './migrations/0104-filters.js';
import { writingTables } from './migrations/0105-writings.js';
import { importSourceTables } from './migrations/0106-import-sources.js';
import { contactMoves } from './migrations/0110-contact-moves.js';
import { importSourceOwners } from './migrations/0111-import-source-owners.js';
import { movesByDepartures } from './migrations/0112-moves-by-departures.js';
import { takenOverSources } from './migrations/0114-taken-over-sources.js';
import { RecordController } from './record/record.controller.js';
import { CrmRecord } from './record/record.entity.js';
import { SegmentController } from './segment/segment.controller.js';
import { Segment, SegmentUse } from './segment/segment.entity.js';
import { CommentController } from './writing/comment.controller.js';
import { FileController } from './writing/file.controller.js';
import { NoteController } from './writing/note.controller.js';
import { AttachedFile, Comment, Note } from './writing/writing.entity.js';

/** Columns that are encrypted with the service's secret. */
const ENCRYPTED_COLUMNS: readonly EncryptedColumn[] = [
  { table: 'import_source', column: 'password', id: 'id', boundTo: 'account_id' },
];

/** One entry per resource: the entities of its tables, and the controllers that answer calls about it. */
const resources: readonly ServiceResource[] = [
  {
    entities: [Contact],
    controllers: [ContactController, RecipientsController, NamedContactsController, ContactMovesController],
  },
  { entities: [ContactImport], controllers: [ContactImportController] },
  { entities: [ImportSource], controllers: [ImportSourceController] },
  { entities: [CrmRecord], controllers: [RecordController] },
  { entities: [Segment, SegmentUse], controllers: [SegmentController] },
  { entities: [Filter, FilterCondition], controllers: [FilterController] },
  { entities: [Note, Comment, AttachedFile], controllers: [NoteController, CommentController, FileController] },
];

export const entities = entitiesOf(resources);

/** In the order in which they are applied. A released migration is never changed. */
export const migrations: Migrations = [
  ...serviceTables,
  ...platformMigrations,
  contactTables,
  segmentTables,
  contactImportTables,
  recordTables,
  filterTables,
  writingTables,
  importSourceTables,
  contactMoves,
  importSourceOwners,
  movesByDepartures,
  takenOverSources,
];

/**
 * The contacts of an account with their assignees, imports, segments and filters, and the records the team works on.
 */
@Module({
  imports: [
    LifecycleModule.forService({
      service: 'contacts',
      consumer: 'contacts-users',
      rules: contactsRules,
      entities,
      forgetting: ContactsForgetting,
    }),
  ],
  controllers: controllersOf(resources),
  providers: [
    {
      provide: Encryption,
      inject: [ContactsConfig, Ids],
      useFactory: ({ contactsSecret: current, contactsSecretPrevious: previous }: ContactsConfig, ids: Ids) =>
        new RotatingEncryption({ current, previous }, 'contacts', ids),
    },
    keyRotation(Encryption, { serviceName: 'contacts', setting: 'CONTACTS_SECRET', columns: ENCRYPTED_COLUMNS }),
    DepartureMoves,
    AbandonedUploads,
    BatchWriter,
    ImportReports,
    ImportWorker,
    Uploads,
    FileStaging,
    RemoteFolders,
    SourceFiles,
    SourceSchedule,
    ImportSourceWorker,
  ],
})
export class ContactsModule {}
