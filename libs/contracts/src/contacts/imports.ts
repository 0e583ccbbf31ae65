import { GATEWAY } from '../callers.js';
import { Id, ListOf, Moment, Nested, OneOf, Text, Whole } from '../fields.js';
import type { Ask } from '../lifecycle.js';
import { ListQuery, NoBody, operation, pageOf, UserView, type Call, type Page } from '../operation.js';

/** A row whose staff id matches no user. It was imported, but not assigned. */
export class UnmatchedRow {
  @Whole({ about: 'Counted from 1 without the header line.' }) row: number;
  @Text({ min: 0, about: 'The value of the staff id column.' }) value: string;
}

export class RejectedRow {
  @Whole({ about: 'Counted from 1 without the header line.' }) row: number;
  @Text({ max: 500 }) reason: string;
}

/** The import source of a file that was not uploaded. */
export class ImportOrigin {
  @Id({ nullable: true, about: 'Null if the import source has been removed.' }) id: string | null;
  @Text({ max: 255 }) fileName: string;
}

/** The result of one file, in numbers. A contact that occurs several times in the file counts once. */
export class ContactImportSummary {
  @Id() id: string;
  @OneOf(['uploading', 'running', 'completed', 'failed']) status: 'uploading' | 'running' | 'completed' | 'failed';
  @Whole() created: number;
  @Whole() updated: number;
  @Whole({ about: 'Contacts that were assigned.' }) assigned: number;
  @Whole({ about: 'Contacts that were unassigned.' }) cleared: number;
  @Whole({ optional: true, about: 'Rows that have been processed so far.' })
  rowsDone?: number;
  @Whole({ optional: true, about: 'All rows whose staff id matches no user, including rows that are not listed.' })
  unmatchedTotal?: number;
  @Whole({ optional: true, about: 'All rows that were rejected, including rows that are not listed.' })
  rejectedTotal?: number;
  @Text({ optional: true, nullable: true, max: 500, about: 'Why it failed. Rows up to `rowsDone` stay imported.' })
  error?: string | null;
  @Nested(() => UserView, { optional: true, nullable: true, about: 'Null for a file from an import source.' })
  importedBy?: UserView | null;
  @Nested(() => ImportOrigin, { optional: true, nullable: true, about: 'Null for an upload.' })
  source?: ImportOrigin | null;
  @Moment({ optional: true }) createdAt?: string;
  @Moment({ optional: true, nullable: true }) finishedAt?: string | null;
}

/** The summary with the rows that need attention, the first thousand of each kind. */
export class ContactImport extends ContactImportSummary {
  @ListOf(() => UnmatchedRow) unmatched: UnmatchedRow[];
  @ListOf(() => RejectedRow) rejected: RejectedRow[];
}

export class ContactImportQuery {
  @Text({
    optional: true,
    about:
      'The column with the staff id of the contact’s assignee (the “User Identification” setting). Default: `StaffId`. ' +
      'The other columns: `ExternalId` (or `ContactId`, `Id`), required; `Name` (`FullName`, `ContactName`); `Phone` ' +
      '(`PhoneNumber`, `Mobile`, `MobilePhone`, `CellPhone`); `Email` (`EmailAddress`). Their order does not matter; ' +
      'case, spaces, `_` and `-` are ignored.',
  })
  userIdField?: string;
}

export class ContactImportListQuery extends ListQuery {
  @Id({ optional: true, about: 'Only files from this import source.' }) sourceId?: string;
}

/** The gateway streams the file to the contacts service with the requests below. */
export const importContacts = operation<ContactImport, object, ContactImportQuery>({
  id: 'contact-imports.create',
  service: 'contacts',
  method: 'POST',
  access: 'signed-in',
  path: '/v1/contact-imports',
  summary: 'Import contacts from a CSV file',
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
  access: 'signed-in',
  path: '/v1/contact-imports',
  summary: 'List imports of contacts, without the rows that need attention',
  query: ContactImportListQuery,
  answer: pageOf(ContactImportSummary),
});

export const contactImportsGet = operation<ContactImport>({
  id: 'contact-imports.get',
  service: 'contacts',
  method: 'GET',
  access: 'record-owner-or-manager',
  path: '/v1/contact-imports/:id',
  summary: 'Read the progress or the result of an import',
  answer: ContactImport,
  errors: ['not-found'],
});

/** The most bytes of the file in one `appendImport`. */
export const IMPORT_CHUNK_BYTES = 256 * 1024;

/** Starts an import. */
export const openImport: Ask<{ accountId: string; userId: string; userIdField: string | null }, { importId: string }> =
  {
    service: 'contacts',
    subject: 'rpc.contacts.imports.open',
    timeout: 10_000,
    calledBy: [GATEWAY],
    onBehalf: true,
  };

/**
 * Appends the next chunk of the file, at most `IMPORT_CHUNK_BYTES`. It may end within a row or a character. `n` counts from
 * 0 without gaps. The next chunk is sent after the answer, so that the service can slow the upload down.
 */
export const appendImport: Ask<{ importId: string; n: number; data: string }, Record<string, never>> = {
  service: 'contacts',
  subject: 'rpc.contacts.imports.append',
  timeout: 60_000,
  calledBy: [GATEWAY],
};

/**
 * The file is complete. Processes the remaining rows; the answer is `running` if that takes too long. With an idempotency key
 * of an earlier file with the same digest, this file is dropped and the answer is about that one; with another digest it is
 * dropped as well, and refused as `idempotency-mismatch`.
 */
export const closeImport: Ask<{ importId: string } & Pick<Call, 'idempotency'>, ContactImport> = {
  service: 'contacts',
  subject: 'rpc.contacts.imports.close',
  timeout: 120_000,
  calledBy: [GATEWAY],
};

/** The upload was aborted; without a reason because it broke off. */
export const abortImport: Ask<{ importId: string; reason?: string }, Record<string, never>> = {
  service: 'contacts',
  subject: 'rpc.contacts.imports.abort',
  timeout: 10_000,
  calledBy: [GATEWAY],
};
