import { Flag, Id, Moment, Nested, OneOf, Pattern, Whole } from '../fields.js';
import { operation, resource } from '../operation.js';
import { MANAGERS } from '../principal.js';
import type { ProblemCode } from '../problem.js';

const service = 'contacts';

export const SOURCE_KINDS = ['ftp', 'ftps', 'sftp'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

/** What can keep a source's files from being imported; each is a code of the error table. */
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
const KIND =
  'How the server is spoken to. `ftps` is FTP over TLS, from the first byte on port 990 and on request elsewhere.';
const PATH = 'The folder with the files, from the root or from where the login leads. `.` unless given.';
const PORT = '22 for `sftp`, 21 for the others, unless given.';
const USER_ID_FIELD =
  'The “User Identification” setting: the column that holds the staff id of the contact’s assignee. `StaffId` unless ' +
  'given; null for none, so that no imported contact is assigned.';
const HOST_KEY =
  'For `sftp`: SHA-256 fingerprint of the server’s host key, as `ssh-keygen -l` shows it. The key that is met first is ' +
  'kept unless one is given. Another key later is refused before the password is sent.';
const ACTIVE = 'One that is not active is left alone. After eight failures in a row a source is deactivated.';

const host = (presence = {}) =>
  Pattern(/^[A-Za-z0-9:][A-Za-z0-9._:-]{0,252}$/, 'the name or the IP address of a host', {
    about: 'Loopback, link-local and private addresses are refused.',
    ...presence,
  });
const line = (about: string, presence = {}) =>
  Pattern(/^[^\u0000-\u001f\u007f]{1,500}$/, 'one line of 500 characters at most', { about, ...presence });
const column = (presence = {}) =>
  Pattern(/^(?=.*\S)[^\u0000-\u001f\u007f]{1,200}$/, 'the title of a column', {
    optional: true,
    nullable: true,
    about: USER_ID_FIELD,
    ...presence,
  });
const fingerprint = (presence = {}) =>
  Pattern(/^SHA256:[A-Za-z0-9+/]{43}$/, 'a fingerprint like SHA256:… with 43 characters', {
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
  @line('Of the login.') username: string;
  @line('Of the login. Kept encrypted and never shown.') password: string;
  @fingerprint() hostKey?: string | null;
  @column() userIdField?: string | null;
  @Whole({ min: 1, max: 10_080, optional: true, about: 'Minutes from one look to the next; 60 unless given.' })
  everyMinutes?: number;
  @Flag({ optional: true, about: `True unless given. ${ACTIVE}` }) active?: boolean;
}

/** A change of kind, host or port needs the password again, so that it is not handed to another server unawares. */
export class ImportSourceChanges {
  @OneOf(SOURCE_KINDS, { optional: true, about: KIND }) kind?: SourceKind;
  @host(optional) host?: string;
  @Whole({ min: 1, max: 65_535, optional: true }) port?: number;
  @line(PATH, optional) path?: string;
  @line('Of the login.', optional) username?: string;
  @line('Of the login. Needed again when kind, host or port change.', optional) password?: string;
  @fingerprint({ about: `${HOST_KEY} Null keeps the key that is met next.` }) hostKey?: string | null;
  @column() userIdField?: string | null;
  @Whole({ min: 1, max: 10_080, optional: true, about: 'Minutes from one look to the next.' }) everyMinutes?: number;
  @Flag({ optional: true, about: ACTIVE }) active?: boolean;
}

/** What the last look at a folder came to, in files. */
export class ImportSourceResult {
  @Whole({ about: 'Files imported, and moved to `processed`.' }) imported: number;
  @Whole({ about: 'Files that could not be imported, moved to `failed`; their imports say why.' }) failed: number;
  @Whole({ about: 'Files not taken yet, because they may still be on their way: they must not change for 30 seconds.' })
  waiting: number;
}

/** A folder on a server of the account’s, from which CSV files are imported as they arrive, the oldest first. */
export class ImportSource {
  @Id() id: string;
  @OneOf(SOURCE_KINDS, { about: KIND }) kind: SourceKind;
  @host() host: string;
  @Whole({ min: 1, max: 65_535 }) port: number;
  @line(PATH) path: string;
  @line('Of the login.') username: string;
  @fingerprint({ optional: false }) hostKey: string | null;
  @fingerprint({ optional: false, about: 'The host key that has been refused, to be compared with the server’s.' })
  offeredHostKey: string | null;
  @column({ optional: false }) userIdField: string | null;
  @Whole({ about: 'Minutes from one look to the next.' }) everyMinutes: number;
  @Flag({ about: ACTIVE }) active: boolean;
  @Moment({ nullable: true, about: 'When the last look at the folder was over.' }) lastRunAt: string | null;
  @Nested(() => ImportSourceResult, { nullable: true, about: 'Null before the first look, and when it failed.' })
  lastResult: ImportSourceResult | null;
  @OneOf(SOURCE_ERRORS, { nullable: true, about: 'What kept files from being imported or moved in the last look.' })
  lastError: SourceError | null;
  @Moment() createdAt: string;
}

/**
 * Files `*.csv` are imported as uploads to `/v1/contact-imports` are, and then moved into the folder `processed`, or `failed`,
 * beside them.
 */
export const importSources = resource({
  service,
  path: '/v1/import-sources',
  noun: 'an import source: a folder on an FTP or SFTP server',
  thing: ImportSource,
  create: NewImportSource,
  access: MANAGERS,
  errors: ['validation', 'conflict'],
});

export const importSourceUpdate = operation<ImportSource, ImportSourceChanges>({
  id: 'import-sources.update',
  service,
  method: 'PATCH',
  path: '/v1/import-sources/:id',
  summary: 'Change an import source',
  access: MANAGERS,
  body: ImportSourceChanges,
  answer: ImportSource,
  errors: ['not-found', 'validation'],
});

export const importSourceRun = operation<ImportSource>({
  id: 'import-sources.run',
  service,
  method: 'POST',
  path: '/v1/import-sources/:id/run',
  summary: 'Look into the folder of an import source now, not only when it is time',
  access: MANAGERS,
  answer: ImportSource,
  status: 202,
  errors: ['not-found', 'conflict'],
});
