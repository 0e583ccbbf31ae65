import type { SourceError } from '#libs/contracts';
import { assertNoOpenTransaction } from '#libs/database';
import { Client, FTPError } from 'basic-ftp';
import { isIP } from 'node:net';
import type { Writable } from 'node:stream';
import {
  isImportable,
  MOST_FILES,
  PATIENCE,
  wholeSeconds,
  type Login,
  type RemoteFile,
  type RemoteFolder,
} from './remote-folder.js';
import { SourceFault } from './source-fault.js';

/** A longer list of files is not read to its end. */
const LONGEST_LISTING = 4 * 1024 ** 2;
/** FTP over TLS has no request for it here: the connection begins with it. */
const TLS_PORT = 990;
/** Answers of a server that doesn't know the command, and of one that goes off. */
const UNKNOWN_COMMAND = [500, 501, 502, 504];
const GOING_OFF = 421;

/** A folder on an FTP server, in passive mode; data connections go to the address of the control connection only. */
export class FtpFolder implements RemoteFolder {
  readonly hostKey = null;
  private tellsTimes = true;
  private listsTimes = false;

  private constructor(private readonly client: Client) {}

  /** @throws SourceFault */
  static async open(login: Login, signal: AbortSignal): Promise<FtpFolder> {
    const client = new Client(PATIENCE, { allowSeparateTransferHost: false, maxListingBytes: LONGEST_LISTING });
    signal.addEventListener('abort', () => client.close(), { once: true });
    try {
      await connect(client, login);
      await attempt('source-login-refused', () => client.login(login.username, login.password));
      await attempt('source-unreachable', () => client.useDefaultSettings());
      await attempt('source-folder-missing', () => client.cd(login.path));
      return new FtpFolder(client);
    } catch (error) {
      client.close();
      throw error;
    }
  }

  async list(): Promise<RemoteFile[]> {
    const found = await attempt('source-folder-missing', () => this.client.list());
    const files = found.filter(({ name, isFile }) => isFile && isImportable(name)).slice(0, MOST_FILES);
    this.listsTimes = files.some(({ modifiedAt }) => modifiedAt !== undefined);
    const listed: RemoteFile[] = [];
    for (const { name, size, modifiedAt } of files) {
      const time = modifiedAt ? wholeSeconds(modifiedAt.getTime()) : await this.timeOf(name);
      listed.push({ name, size, modifiedAt: time });
    }
    return listed;
  }

  /** Times of a list are compared with times of a list: some servers tell local time when asked for a single file. */
  async look(name: string): Promise<RemoteFile | null> {
    if (this.listsTimes) return (await this.list()).find((file) => file.name === name) ?? null;
    const size = await answerOf(() => this.client.size(name));
    if (size === 'unknown') return (await this.list()).find((file) => file.name === name) ?? null;
    return size === 'no' ? null : { name, size, modifiedAt: await this.timeOf(name) };
  }

  async read(name: string, into: Writable): Promise<void> {
    await attempt('source-file-refused', () => this.client.downloadTo(into, name));
  }

  /** A server that can't tell might overwrite what is there: then it counts as there. */
  async exists(path: string): Promise<boolean> {
    return (await answerOf(() => this.client.size(path))) !== 'no';
  }

  async makeFolder(name: string): Promise<void> {
    await attempt('source-file-refused', () => this.client.sendIgnoringError(`MKD ${name}`));
  }

  async rename(from: string, to: string): Promise<void> {
    await attempt('source-file-refused', () => this.client.rename(from, to));
  }

  close(): void {
    this.client.close();
  }

  private async timeOf(name: string): Promise<Date | null> {
    if (!this.tellsTimes) return null;
    const time = await answerOf(() => this.client.lastMod(name));
    if (time === 'unknown') this.tellsTimes = false;
    return time instanceof Date ? wholeSeconds(time.getTime()) : null;
  }
}

async function connect(client: Client, { kind, host, address, port }: Login): Promise<void> {
  // The certificate is for the name, whatever address stands for it.
  const secureOptions = { host, ...(isIP(host) === 0 && { servername: host }) };
  await attempt('source-unreachable', async () => {
    if (kind === 'ftps' && port === TLS_PORT) return client.connectImplicitTLS(address, port, secureOptions);
    await client.connect(address, port);
    if (kind === 'ftps') await client.useTLS(secureOptions);
    return client.sendIgnoringError('OPTS UTF8 ON');
  });
}

/** @throws SourceFault `refused` when the server answers no */
async function attempt<T>(refused: SourceError, work: () => Promise<T>): Promise<T> {
  assertNoOpenTransaction('ftp');
  try {
    return await work();
  } catch (error) {
    throw new SourceFault(saidNo(error) ? refused : codeOf(error), { cause: error });
  }
}

/** What a server tells of a file: `no` when it isn't there, `unknown` when the server doesn't know the question. */
async function answerOf<T>(work: () => Promise<T>): Promise<T | 'no' | 'unknown'> {
  assertNoOpenTransaction('ftp');
  try {
    return await work();
  } catch (error) {
    if (!saidNo(error)) throw new SourceFault(codeOf(error), { cause: error });
    return UNKNOWN_COMMAND.includes(error.code) ? 'unknown' : 'no';
  }
}

const saidNo = (error: unknown): error is FTPError => error instanceof FTPError && error.code !== GOING_OFF;

/** OpenSSL's and Node's codes of certificates that nobody vouches for, or for another host, or of another time. */
const CERTIFICATE = /CERT|SIGNATURE|ISSUER/;

const codeOf = (error: unknown): SourceError =>
  CERTIFICATE.test(String((error as { code?: unknown }).code)) ? 'source-certificate-refused' : 'source-unreachable';
