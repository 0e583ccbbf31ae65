import { Flag, Id, Moment, Nested, OneOf, Pattern, PersonFilter, Whole } from '../fields.js';
import { ListQuery, operation, resource, UserView } from '../operation.js';
import { MANAGERS } from '../principal.js';
import type { ProblemCode } from '../problem.js';

const service = 'contacts';

export const SOURCE_KINDS = ['ftp', 'ftps', 'sftp'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/** Why the files of a source cannot be imported. Each is a problem code. */
export const SOURCE_ERRORS = [
  'source-unreachable',
  'source-address-refused',
  'source-login-refused',
  'source-host-key-changed',
  'source-certificate-refused',
  'source-folder-missing',
  'source-file-refused',
  'internal',
] as const satisfies readonly ProblemCode[];
export type SourceError = (typeof SOURCE_ERRORS)[number];

const optional = { optional: true };
const KIND = 'The protocol. `ftps` is FTP over TLS: implicit on port 990, explicit on other ports.';
const PATH = 'The folder with the files, absolute or relative to the login folder. Default: `.`.';
const PORT = 'Default: 22 for `sftp`, 21 for the others.';
const USER_ID_FIELD =
  'The “User Identification” setting: the column with the staff id of the contact’s assignee. Default: `StaffId`. With ' +
  'null, no imported contact is assigned.';
const HOST_KEY =
  'For `sftp`: the SHA-256 fingerprint of the server’s host key, as `ssh-keygen -l` shows it. By default the first key ' +
  'that the server presents is stored. A different key is refused before the password is sent.';
const ACTIVE = 'An inactive source is not polled. A source becomes inactive after eight failures in a row.';

const OWNER =
  'For whom the files are imported. Nothing is imported for a user who has left: an active source then has another owner.';

const host = (presence = {}) =>
  Pattern(/^[A-Za-z0-9:][A-Za-z0-9._:-]{0,252}$/, 'the name or the IP address of a host', {
    about: 'Loopback, link-local and private addresses are refused.',
    ...presence,
  });
const line = (about: string, presence = {}) =>
  Pattern(/^[^\u0000-\u001f\u007f]{1,500}$/, 'one line of at most 500 characters', { about, ...presence });
const column = (presence = {}) =>
  Pattern(/^(?=.*\S)[^\u0000-\u001f\u007f]{1,200}$/, 'the name of a column', {
    optional: true,
    nullable: true,
    about: USER_ID_FIELD,
    ...presence,
  });
const fingerprint = (presence = {}) =>
  Pattern(/^SHA256:[A-Za-z0-9+/]{43}$/, 'a fingerprint: SHA256: and 43 characters', {
    optional: true,
    nullable: true,
    about: HOST_KEY,
    ...presence,
  });

export class NewImportSource {
  @OneOf(SOURCE_KINDS, { about: KIND }) kind: SourceKind;
  @host() host: string;
  @Whole({ min: 1, max: 65_535, optional: true, about: PORT }) port?: number;
  @line(PATH, optional) path?: string;
  @line('The user name of the login.') username: string;
  @line('The password of the login. Stored encrypted and never shown.') password: string;
  @fingerprint() hostKey?: string | null;
  @column() userIdField?: string | null;
  @Whole({ min: 1, max: 10_080, optional: true, about: 'Minutes between two polls. Default: 60.' })
  everyMinutes?: number;
  @Flag({ optional: true, about: `Default: true. ${ACTIVE}` }) active?: boolean;
  @Id({ optional: true, about: `Default: the caller. ${OWNER}` }) ownerId?: string;
}

/** A change of kind, host or port requires the password, so that it is never sent to another server by mistake. */
export class ImportSourceChanges {
  @OneOf(SOURCE_KINDS, { optional: true, about: KIND }) kind?: SourceKind;
  @host(optional) host?: string;
  @Whole({ min: 1, max: 65_535, optional: true }) port?: number;
  @line(PATH, optional) path?: string;
  @line('The user name of the login.', optional) username?: string;
  @line('The password of the login. Required if kind, host or port change.', optional) password?: string;
  @fingerprint({ about: `${HOST_KEY} With null, the next key that the server presents is stored.` }) hostKey?:
    string | null;
  @column() userIdField?: string | null;
  @Whole({ min: 1, max: 10_080, optional: true, about: 'Minutes between two polls.' }) everyMinutes?: number;
  @Flag({ optional: true, about: ACTIVE }) active?: boolean;
  @Id({ optional: true, about: OWNER }) ownerId?: string;
}

/** The result of the last poll, in numbers of files. */
export class ImportSourceResult {
  @Whole({ about: 'Files that were imported and moved to `processed`.' }) imported: number;
  @Whole({ about: 'Files that could not be imported and were moved to `failed`. Their imports say why.' })
  failed: number;
  @Whole({ about: 'Files that may still be incomplete: a file is imported once it has not changed for 30 seconds.' })
  waiting: number;
}

/** A folder on a server of the account. Its CSV files are imported as they arrive, oldest first. */
export class ImportSource {
  @Id() id: string;
  @Id({ nullable: true, about: `${OWNER} Null for a source from before sources had owners.` }) ownerId: string | null;
  @Nested(() => UserView, { nullable: true }) owner: UserView | null;
  @OneOf(SOURCE_KINDS, { about: KIND }) kind: SourceKind;
  @host() host: string;
  @Whole({ min: 1, max: 65_535 }) port: number;
  @line(PATH) path: string;
  @line('The user name of the login.') username: string;
  @fingerprint({ optional: false }) hostKey: string | null;
  @fingerprint({ optional: false, about: 'The refused host key, for comparison with the server’s.' })
  offeredHostKey: string | null;
  @column({ optional: false }) userIdField: string | null;
  @Whole({ about: 'Minutes between two polls.' }) everyMinutes: number;
  @Flag({ about: ACTIVE }) active: boolean;
  @Moment({ nullable: true, about: 'When the last poll ended.' }) lastRunAt: string | null;
  @Nested(() => ImportSourceResult, {
    nullable: true,
    about: 'Null before the first poll, and if the last one failed.',
  })
  lastResult: ImportSourceResult | null;
  @OneOf(SOURCE_ERRORS, { nullable: true, about: 'Why files could not be imported or moved in the last poll.' })
  lastError: SourceError | null;
  @Moment() createdAt: string;
}

export class ImportSourceQuery extends ListQuery {
  @PersonFilter('Id of the owner, or `me`.') ownerId?: string;
}

/**
 * Files `*.csv` are imported like uploads to `/v1/contact-imports` and then moved to the subfolder `processed` or `failed`.
 */
export const importSources = resource({
  service,
  path: '/v1/import-sources',
  noun: 'an import source (a folder on an FTP or SFTP server)',
  plural: 'import sources',
  thing: ImportSource,
  create: NewImportSource,
  query: ImportSourceQuery,
  access: MANAGERS,
  errors: ['validation', 'conflict', 'unknown-user', 'inactive-user'],
  update: ImportSourceChanges,
  updateSummary: 'Change an import source',
  updateErrors: ['validation', 'conflict', 'unknown-user', 'inactive-user'],
});

export const importSourceRun = operation<ImportSource>({
  id: 'import-sources.run',
  service,
  method: 'POST',
  path: '/v1/import-sources/:id/run',
  summary: 'Poll an import source now',
  access: MANAGERS,
  answer: ImportSource,
  status: 202,
  errors: ['not-found', 'conflict'],
});
