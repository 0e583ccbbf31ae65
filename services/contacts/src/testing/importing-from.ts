import {
  contactImportsList,
  importSourceRun,
  importSources,
  type ContactImportSummary,
  type ImportSource,
  type NewImportSource,
  type Principal,
  type SourceKind,
} from '#libs/contracts';
import type { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ImportSourceWorker } from '../import-source/import-source.worker.js';
import { startFtpServer, type FileServer } from './ftp-server.js';
import { startSftpServer } from './sftp-server.js';

const USERNAME = 'campus';
export const PASSWORD = 'a password like no other 4711';

/** A customer's server with a folder of files, and how the service is told to look into it. */
export class CustomerServer {
  private constructor(
    readonly kind: Exclude<SourceKind, 'ftps'>,
    readonly root: string,
    public server: FileServer,
  ) {}

  static async start(kind: Exclude<SourceKind, 'ftps'>): Promise<CustomerServer> {
    const root = await mkdtemp(join(tmpdir(), 'leaver-source-'));
    return new CustomerServer(kind, root, await serverOf(kind, root));
  }

  async stop(): Promise<void> {
    await this.server.stop();
    await rm(this.root, { recursive: true, force: true });
  }

  /** @param age seconds */
  async put(name: string, content: string, { age = 3_600 }: { age?: number } = {}): Promise<void> {
    await writeFile(join(this.root, name), content);
    const { mtimeMs } = await stat(join(this.root, name));
    await utimes(join(this.root, name), mtimeMs / 1_000, Math.floor(mtimeMs / 1_000) - age);
  }

  /** Files in a folder, sorted; none when there is no such folder. */
  async files(folder = '.'): Promise<string[]> {
    const entries = await readdir(join(this.root, folder), { withFileTypes: true }).catch(() => []);
    return entries.flatMap((entry) => (entry.isFile() ? entry.name : [])).sort();
  }

  login(more: Partial<NewImportSource> = {}): NewImportSource {
    const { kind } = this;
    return { kind, host: '127.0.0.1', port: this.server.port, username: USERNAME, password: PASSWORD, ...more };
  }
}

const serverOf = (kind: 'ftp' | 'sftp', root: string): Promise<FileServer> =>
  (kind === 'sftp' ? startSftpServer : startFtpServer)({ root, username: USERNAME, password: PASSWORD });

/** What an admin sees of the sources of their account. */
export class Sources {
  constructor(
    private readonly service: TestService,
    private readonly admin: Principal,
  ) {}

  /** A source that has looked into its folder once. */
  async create(body: NewImportSource): Promise<ImportSource> {
    const { id } = await this.service.call(this.admin, importSources.create, { body });
    return this.looked(id, null);
  }

  get(id: string): Promise<ImportSource> {
    return this.service.call(this.admin, importSources.get, { params: { id } });
  }

  /** Looks now, whatever the schedule says. */
  async look(id: string): Promise<ImportSource> {
    const { lastRunAt } = await this.service.call(this.admin, importSourceRun, { params: { id } });
    return this.looked(id, lastRunAt);
  }

  /** Lets the time pass after which the next look is due. @param timeout milliseconds that it may take */
  async later(id: string, seconds = 31, timeout?: number): Promise<ImportSource> {
    const { lastRunAt } = await this.get(id);
    this.service.clock.advance(seconds * 1_000);
    return this.looked(id, lastRunAt, timeout);
  }

  /** Looks, and looks again when what it saw has settled. */
  async take(id: string): Promise<ImportSource> {
    await this.look(id);
    return this.later(id);
  }

  /** Imports of a source's files, the newest first. */
  async imports(sourceId: string): Promise<ContactImportSummary[]> {
    return (await this.service.call(this.admin, contactImportsList, { query: { sourceId } })).items;
  }

  private looked(id: string, before: string | null, timeout = 10_000): Promise<ImportSource> {
    return eventually(
      async () => {
        this.service.get(ImportSourceWorker).wake();
        const source = await this.get(id);
        if (source.lastRunAt === before) throw new Error('nobody has looked into the folder');
        return source;
      },
      { timeout },
    );
  }
}
