import type { SourceKind } from '#libs/contracts';
import type { Writable } from 'node:stream';

/** Milliseconds that a server may take for an answer, or between two pieces of a file. */
export const PATIENCE = 20_000;

export interface Login {
  kind: SourceKind;
  host: string;
  /** Where to connect to: what the host's name stood for when it was checked. */
  address: string;
  port: number;
  path: string;
  username: string;
  password: string;
  /** The only host key to be accepted; null accepts any. */
  hostKey: string | null;
}

/** A file as the server describes it. Times in whole seconds; null when the server doesn't tell. */
export interface RemoteFile {
  name: string;
  size: number;
  modifiedAt: Date | null;
}

/**
 * An open folder of CSV files. Every call throws a SourceFault: `source-file-refused` when the server answered no, and the
 * next call may be made; another one when the connection is of no use any more.
 */
export interface RemoteFolder {
  /** The host key that was accepted; null where there are none. */
  readonly hostKey: string | null;
  /** What is there to be imported, at most `MOST_FILES`. */
  list(): Promise<RemoteFile[]>;
  /** The file as it is now; null when it is gone. */
  look(name: string): Promise<RemoteFile | null>;
  /** Writes the file, no faster than it is taken. */
  read(name: string, into: Writable): Promise<void>;
  exists(path: string): Promise<boolean>;
  makeFolder(name: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  close(): void;
}

/** Files that one look at a folder considers. Those taken make room for the others. */
export const MOST_FILES = 1_000;

const LONGEST_NAME = 255;

/** Names come from somebody's server: only what can be nothing but a file of this very folder. */
export const isImportable = (name: string): boolean =>
  /^[^./\\\u0000-\u001f\u007f][^/\\\u0000-\u001f\u007f]*\.csv$/i.test(name) && name.length <= LONGEST_NAME;

export const wholeSeconds = (milliseconds: number): Date | null =>
  Number.isFinite(milliseconds) ? new Date(Math.floor(milliseconds / 1_000) * 1_000) : null;

/** Moves a file into a folder beside it; when one of that name is there already, under a name with `mark` before it. */
export async function moveInto(
  folder: RemoteFolder,
  { name, to, mark }: { name: string; to: 'processed' | 'failed'; mark: string },
): Promise<void> {
  await folder.makeFolder(to);
  const plain = `${to}/${name}`;
  await folder.rename(name, (await folder.exists(plain)) ? `${to}/${mark}-${name}` : plain);
}
