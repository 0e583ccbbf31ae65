import { Id, ListOf, Moment, Nested, OneOf, Text, Whole } from '../fields.js';
import type { Ask } from '../lifecycle.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Page } from '../operation.js';

/** A row whose User-ID names nobody who works here: imported, but assigned to no one. */
export class UnmatchedRow {
  @Whole({ about: 'Counted from 1, the heading not included.' }) row: number;
  @Text({ min: 0, about: 'What the User-ID column says.' }) value: string;
}

export class RejectedRow {
  @Whole({ about: 'Counted from 1, the heading not included.' }) row: number;
  @Text({ max: 500 }) reason: string;
}

/** Where a file came from that nobody uploaded. */
export class ImportOrigin {
  @Id({ nullable: true, about: 'Null when the import source has been removed.' }) id: string | null;
  @Text({ max: 255 }) fileName: string;
}

/** What became of one file, in numbers. A contact that occurs several times in the file counts once. */
export class ContactImportSummary {
  @Id() id: string;
  @OneOf(['uploading', 'running', 'completed', 'failed']) status: 'uploading' | 'running' | 'completed' | 'failed';
  @Whole() created: number;
  @Whole() updated: number;
  @Whole({ about: 'Contacts that got an assignee.' }) assigned: number;
  @Whole({ about: 'Contacts whose assignment was taken away.' }) cleared: number;
  @Whole({ optional: true, about: 'Rows of the file that have been worked off; goes up while it is running.' })
  rowsDone?: number;
  @Whole({ optional: true, about: 'Rows whose User-ID matches nobody, listed or not.' }) unmatchedTotal?: number;
  @Whole({ optional: true, about: 'Rows that were left out, listed or not.' }) rejectedTotal?: number;
  @Text({ optional: true, nullable: true, max: 500, about: 'Why it failed. Rows up to `rowsDone` stay imported.' })
  error?: string | null;
  @Nested(() => UserView, { optional: true, nullable: true, about: 'Null for a file of an import source.' })
  importedBy?: UserView | null;
  @Nested(() => ImportOrigin, { optional: true, nullable: true, about: 'Null for an upload.' })
  source?: ImportOrigin | null;
  @Moment({ optional: true }) createdAt?: string;
  @Moment({ optional: true, nullable: true }) finishedAt?: string | null;
}

/** The same with the rows that need somebody's attention, the first thousand of each kind. */
export class ContactImport extends ContactImportSummary {
  @ListOf(() => UnmatchedRow) unmatched: UnmatchedRow[];
  @ListOf(() => RejectedRow) rejected: RejectedRow[];
}

export class ContactImportQuery {
  @Text({
    optional: true,
    about:
      'The column that holds the staff id of the contact’s assignee (the “User Identification” setting); `StaffId` unless ' +
      'given. The others: `ExternalId` (or `ContactId`, `Id`), required; `Name` (`FullName`, `ContactName`); `Phone` ' +
      '(`PhoneNumber`, `Mobile`, `MobilePhone`, `CellPhone`); `Email` (`EmailAddress`). In any order; case, blanks, `_` ' +
      'and `-` do not matter.',
  })
  userIdField?: string;
}

export class ContactImportListQuery extends ListQuery {
  @Id({ optional: true, about: 'Only files of this import source.' }) sourceId?: string;
}

/** The gateway streams the file on by means of the asks below. */
export const importContacts = operation<ContactImport, object, ContactImportQuery>({
  id: 'contact-imports.create',
  service: 'contacts',
  method: 'POST',
  path: '/v1/contact-imports',
  summary: 'Import contacts from a CSV file of any length',
  query: ContactImportQuery,
  answer: ContactImport,
  custom: true,
  consumes: ['text/csv', 'multipart/form-data'],
  errors: ['validation', 'payload-too-large', 'unsupported-media-type'],
});

export const contactImportsList = operation<Page<ContactImportSummary>, NoBody, ContactImportListQuery>({
  id: 'contact-imports.list',
  service: 'contacts',
  method: 'GET',
  path: '/v1/contact-imports',
  summary: 'List imports of contacts, without the rows that need attention',
  query: ContactImportListQuery,
  answer: pageOf(ContactImportSummary),
});

export const contactImportsGet = operation<ContactImport>({
  id: 'contact-imports.get',
  service: 'contacts',
  method: 'GET',
  path: '/v1/contact-imports/:id',
  summary: 'Read how an import goes, or what came of it',
  answer: ContactImport,
  errors: ['not-found'],
});

/** Most bytes of the file in one `appendImport`. */
export const IMPORT_CHUNK_BYTES = 256 * 1024;

/** A file is about to come. */
export const openImport: Ask<{ accountId: string; userId: string; userIdField: string | null }, { importId: string }> =
  {
    service: 'contacts',
    subject: 'rpc.contacts.imports.open',
    timeout: 10_000,
  };

/**
 * The next piece of the file, at most `IMPORT_CHUNK_BYTES`, cut anywhere: in the midst of a row, or of a character.
 * `n` counts from 0 without gaps. The answer asks for the next piece, so it holds the upload back until there is room.
 */
export const appendImport: Ask<{ importId: string; n: number; data: string }, Record<string, never>> = {
  service: 'contacts',
  subject: 'rpc.contacts.imports.append',
  timeout: 60_000,
};

/** The file is complete: finishes what is left, or says `running` when that takes longer. */
export const closeImport: Ask<{ importId: string }, ContactImport> = {
  service: 'contacts',
  subject: 'rpc.contacts.imports.close',
  timeout: 120_000,
};

/** The rest of the file will never come. */
export const abortImport: Ask<{ importId: string }, Record<string, never>> = {
  service: 'contacts',
  subject: 'rpc.contacts.imports.abort',
  timeout: 10_000,
};
