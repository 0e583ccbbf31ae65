import type { SourceKind } from '#libs/contracts';
import type { Writable } from 'node:stream';

/** Milliseconds to wait for an answer, or for the next piece of a file. */
export const TIMEOUT_MS = 20_000;

export interface Login {
  kind: SourceKind;
  host: string;
  /** The address to connect to: what the host name resolved to when it was checked. */
  address: string;
  port: number;
  path: string;
  username: string;
  password: string;
  /** The only accepted host key; null accepts any. */
  hostKey: string | null;
}

/** A file as the server describes it. Times are in whole seconds; null if the server does not return one. */
export interface RemoteFile {
  name: string;
  size: number;
  modifiedAt: Date | null;
}

/**
 * An open folder of CSV files. Calls throw a SourceFault: `source-file-refused` if the server answered with an error
 * and the connection can still be used; other codes if it cannot.
 */
export interface RemoteFolder {
  /** The host key that was accepted; null if the protocol has none. */
  readonly hostKey: string | null;
  /** Returns the importable files, at most `MOST_FILES`. */
  list(): Promise<RemoteFile[]>;
  /** Returns the file as it is now; null if it is gone. */
  look(name: string): Promise<RemoteFile | null>;
  /** Writes the file's content to `into`, with backpressure. */
  read(name: string, into: Writable): Promise<void>;
  exists(path: string): Promise<boolean>;
  makeFolder(name: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  close(): void;
}

/** Maximum number of files per poll. Imported files are moved away, so the others follow in later polls. */
export const MOST_FILES = 1_000;

const MAX_NAME_LENGTH = 255;

/** Names come from an untrusted server: accepts only CSV files in this folder, and no hidden files. */
export const isImportable = (name: string): boolean =>
  /^[^./\\\u0000-\u001f\u007f][^/\\\u0000-\u001f\u007f]*\.csv$/i.test(name) && name.length <= MAX_NAME_LENGTH;

export const wholeSeconds = (milliseconds: number): Date | null =>
  Number.isFinite(milliseconds) ? new Date(Math.floor(milliseconds / 1_000) * 1_000) : null;

/** Moves a file into a subfolder. If a file with its name exists there, the new name starts with `mark`. */
export async function moveInto(
  folder: RemoteFolder,
  { name, to, mark }: { name: string; to: 'processed' | 'failed'; mark: string },
): Promise<void> {
  await folder.makeFolder(to);
  const plain = `${to}/${name}`;
  await folder.rename(name, (await folder.exists(plain)) ? `${to}/${mark}-${name}` : plain);
}
