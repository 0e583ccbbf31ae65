import type { SourceError } from '#libs/contracts';
import { assertNoOpenTransaction } from '#libs/database';
import { Client, FTPError } from 'basic-ftp';
import { isIP } from 'node:net';
import type { Writable } from 'node:stream';
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

/** Maximum size of a directory listing in bytes. */
const MAX_LISTING_BYTES = 4 * 1024 ** 2;
/** On this port the connection starts with TLS; on others TLS is requested (`AUTH TLS`). */
const IMPLICIT_TLS_PORT = 990;
/** FTP reply codes: the command is not supported; the server closes the connection. */
const UNKNOWN_COMMAND = [500, 501, 502, 504];
const SERVICE_CLOSING = 421;

/** A folder on an FTP server, in passive mode. Data connections go only to the address of the control connection. */
export class FtpFolder implements RemoteFolder {
  readonly hostKey = null;
  private supportsMdtm = true;
  private listingHasTimes = false;

  private constructor(private readonly client: Client) {}

  /** @throws SourceFault */
  static async open(login: Login, signal: AbortSignal): Promise<FtpFolder> {
    const client = new Client(TIMEOUT_MS, { allowSeparateTransferHost: false, maxListingBytes: MAX_LISTING_BYTES });
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
    this.listingHasTimes = files.some(({ modifiedAt }) => modifiedAt !== undefined);
    const listed: RemoteFile[] = [];
    for (const { name, size, modifiedAt } of files) {
      const time = modifiedAt ? wholeSeconds(modifiedAt.getTime()) : await this.timeOf(name);
      listed.push({ name, size, modifiedAt: time });
    }
    return listed;
  }

  /** Uses a listing if listings have times, because some servers return local time for a single file. */
  async look(name: string): Promise<RemoteFile | null> {
    if (this.listingHasTimes) return (await this.list()).find((file) => file.name === name) ?? null;
    const size = await query(() => this.client.size(name));
    if (size === 'unknown') return (await this.list()).find((file) => file.name === name) ?? null;
    return size === 'no' ? null : { name, size, modifiedAt: await this.timeOf(name) };
  }

  async read(name: string, into: Writable): Promise<void> {
    await attempt('source-file-refused', () => this.client.downloadTo(into, name));
  }

  /** If the server cannot answer, the file counts as existing, so that a move does not overwrite it. */
  async exists(path: string): Promise<boolean> {
    return (await query(() => this.client.size(path))) !== 'no';
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
    if (!this.supportsMdtm) return null;
    const time = await query(() => this.client.lastMod(name));
    if (time === 'unknown') this.supportsMdtm = false;
    return time instanceof Date ? wholeSeconds(time.getTime()) : null;
  }
}

async function connect(client: Client, { kind, host, address, port }: Login): Promise<void> {
  // The certificate is checked against the host name, not the resolved address.
  const secureOptions = { host, ...(isIP(host) === 0 && { servername: host }) };
  await attempt('source-unreachable', async () => {
    if (kind === 'ftps' && port === IMPLICIT_TLS_PORT) return client.connectImplicitTLS(address, port, secureOptions);
    await client.connect(address, port);
    if (kind === 'ftps') await client.useTLS(secureOptions);
    return client.sendIgnoringError('OPTS UTF8 ON');
  });
}

/** @throws SourceFault with the code `refused` if the server answers with an error */
async function attempt<T>(refused: SourceError, work: () => Promise<T>): Promise<T> {
  assertNoOpenTransaction('ftp');
  try {
    return await work();
  } catch (error) {
    throw new SourceFault(isServerError(error) ? refused : codeOf(error), { cause: error });
  }
}

/**
 * Runs a query about a file: `no` if the server answers with an error, `unknown` if it does not support the command.
 */
async function query<T>(work: () => Promise<T>): Promise<T | 'no' | 'unknown'> {
  assertNoOpenTransaction('ftp');
  try {
    return await work();
  } catch (error) {
    if (!isServerError(error)) throw new SourceFault(codeOf(error), { cause: error });
    return UNKNOWN_COMMAND.includes(error.code) ? 'unknown' : 'no';
  }
}

const isServerError = (error: unknown): error is FTPError =>
  error instanceof FTPError && error.code !== SERVICE_CLOSING;

/** OpenSSL and Node error codes for certificates that are untrusted, expired, or issued for another host. */
const CERTIFICATE = /CERT|SIGNATURE|ISSUER/;

const codeOf = (error: unknown): SourceError =>
  CERTIFICATE.test(String((error as { code?: unknown }).code)) ? 'source-certificate-refused' : 'source-unreachable';
