import type { SourceError } from '#libs/contracts';
import { assertNoOpenTransaction } from '#libs/database';
import SftpClient from 'ssh2-sftp-client';
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  isImportable,
  MOST_FILES,
  TIMEOUT_MS,
  wholeSeconds,
  type Login,
  type RemoteFile,
  type RemoteFolder,
} from './remote-folder.js';
import { SourceFault } from './source-fault.js';

type Sftp = Awaited<ReturnType<SftpClient['connect']>>;
type Callback<T> = (error: Error | null | undefined, value: T) => void;

/** SFTP status codes. */
const [END_OF_LIST, NO_SUCH_FILE] = [1, 2];
/** Maximum number of entries that are read from a folder, because a server could send them without end. */
const MAX_ENTRIES = 20_000;
const nothing = () => undefined;

/** A folder on an SFTP server. The password is sent only to a server with the expected host key. */
export class SftpFolder implements RemoteFolder {
  private constructor(
    private readonly sftp: Sftp,
    private readonly socket: Socket,
    private readonly path: string,
    readonly hostKey: string,
  ) {}

  /** @throws SourceFault */
  static async open(login: Login, signal: AbortSignal): Promise<SftpFolder> {
    assertNoOpenTransaction('sftp');
    const socket = connect({ host: login.address, port: login.port, noDelay: true });
    socket.on('error', nothing);
    signal.addEventListener('abort', () => socket.destroy(), { once: true });
    const client = new SftpClient('import source', { error: nothing, end: nothing, close: nothing });
    let [offered, level] = ['', ''];
    client.on('error', (error: { level?: string }) => (level = error.level ?? ''));
    client.on('keyboard-interactive', (...[, , , prompts, answer]: KeyboardInteractive) =>
      answer(prompts.map(() => login.password)),
    );
    try {
      const sftp = await client.connect({
        sock: socket,
        username: login.username,
        password: login.password,
        tryKeyboard: true,
        readyTimeout: TIMEOUT_MS,
        hostVerifier: (key: Buffer) => {
          offered = fingerprintOf(key);
          return login.hostKey === null || login.hostKey === offered;
        },
      });
      // On a protocol error, pending requests fail too.
      sftp.on('error', () => socket.destroy());
      return new SftpFolder(sftp, socket, login.path, offered);
    } catch (error) {
      socket.destroy();
      if (offered && login.hostKey && offered !== login.hostKey)
        throw new SourceFault('source-host-key-changed', { offeredHostKey: offered });
      const refused = level === 'client-authentication';
      throw new SourceFault(refused ? 'source-login-refused' : 'source-unreachable', { cause: error });
    }
  }

  async list(): Promise<RemoteFile[]> {
    const handle = await this.ask<Buffer>('source-folder-missing', (done) => this.sftp.opendir(this.path, done));
    const files: RemoteFile[] = [];
    for (let seen = 0; seen < MAX_ENTRIES && files.length < MOST_FILES;) {
      const entries = await this.entries(handle);
      if (entries.length === 0) break;
      seen += entries.length;
      for (const { filename, attrs } of entries)
        if (attrs.isFile() && isImportable(filename)) files.push(described(filename, attrs));
    }
    await this.ask('source-folder-missing', (done) => this.sftp.close(handle, done as () => void));
    return files.slice(0, MOST_FILES);
  }

  async look(name: string): Promise<RemoteFile | null> {
    const found = await this.statusOf(name);
    return found && described(name, found);
  }

  async read(name: string, into: Writable): Promise<void> {
    assertNoOpenTransaction('sftp');
    const stream = this.sftp.createReadStream(this.at(name));
    let timer = setTimeout(nothing, 0);
    const restartTimer = () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.close(), TIMEOUT_MS);
    };
    restartTimer();
    try {
      await pipeline(
        stream,
        async function* (pieces: AsyncIterable<Buffer>) {
          for await (const piece of pieces) {
            clearTimeout(timer);
            yield piece;
            restartTimer();
          }
        },
        into,
      );
    } catch (error) {
      throw toFault(error, 'source-file-refused');
    } finally {
      clearTimeout(timer);
    }
  }

  async exists(path: string): Promise<boolean> {
    return (await this.statusOf(path)) !== null;
  }

  async makeFolder(name: string): Promise<void> {
    if (await this.exists(name)) return;
    await this.ask('source-file-refused', (done) => this.sftp.mkdir(this.at(name), done as () => void));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.ask('source-file-refused', (done) => this.sftp.rename(this.at(from), this.at(to), done as () => void));
  }

  close(): void {
    this.socket.destroy();
  }

  private at(name: string): string {
    return `${this.path.replace(/\/$/, '')}/${name}`;
  }

  private async entries(handle: Buffer) {
    type Entries = Parameters<Parameters<Sftp['readdir']>[1]>[1];
    return this.ask<Entries>('source-folder-missing', (done) =>
      this.sftp.readdir(handle, (error, entries) =>
        statusIn(error) === END_OF_LIST ? done(undefined, []) : done(error, entries),
      ),
    );
  }

  private async statusOf(name: string) {
    type Status = Parameters<Parameters<Sftp['stat']>[1]>[1];
    return this.ask<Status | null>('source-file-refused', (done) =>
      this.sftp.stat(this.at(name), (error, status) =>
        statusIn(error) === NO_SUCH_FILE ? done(undefined, null) : done(error, status),
      ),
    );
  }

  /** Sends one request and waits for the answer, at most `TIMEOUT_MS`. */
  private async ask<T>(refused: SourceError, request: (done: Callback<T>) => void): Promise<T> {
    assertNoOpenTransaction('sftp');
    return new Promise<T>((resolve, reject) => {
      if (this.socket.destroyed) return reject(new SourceFault('source-unreachable'));
      const timer = setTimeout(() => this.close(), TIMEOUT_MS);
      // The library does not answer requests that were sent while the connection was closing.
      const broken = () => {
        clearTimeout(timer);
        reject(new SourceFault('source-unreachable'));
      };
      this.socket.once('close', broken);
      request((error, value) => {
        clearTimeout(timer);
        this.socket.off('close', broken);
        if (error) reject(toFault(error, refused));
        else resolve(value);
      });
    });
  }
}

type KeyboardInteractive = [
  name: string,
  instructions: string,
  language: string,
  prompts: readonly unknown[],
  answer: (answers: string[]) => void,
];

const described = (name: string, { size, mtime }: { size: number; mtime: number }): RemoteFile => ({
  name,
  size,
  modifiedAt: wholeSeconds(mtime * 1_000),
});

const statusIn = (error: unknown): unknown => (error as { code?: unknown } | null | undefined)?.code;

/** Errors from the server have a status code; all others are connection errors. */
const toFault = (error: unknown, refused: SourceError): SourceFault =>
  new SourceFault(typeof statusIn(error) === 'number' ? refused : 'source-unreachable', { cause: error });

/** As `ssh-keygen -l` shows it. */
const fingerprintOf = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
