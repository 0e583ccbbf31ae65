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

/** A customer's server with a folder of files, and the settings of an import source for it. */
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

  /** @param age the file's age in seconds */
  async put(name: string, content: string, { age = 3_600 }: { age?: number } = {}): Promise<void> {
    await writeFile(join(this.root, name), content);
    const { mtimeMs } = await stat(join(this.root, name));
    await utimes(join(this.root, name), mtimeMs / 1_000, Math.floor(mtimeMs / 1_000) - age);
  }

  /** Returns the files of a folder, sorted; none if the folder does not exist. */
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

/** Calls the API of import sources as an admin. */
export class Sources {
  constructor(
    private readonly service: TestService,
    private readonly admin: Principal,
  ) {}

  /** Creates a source and waits until it has been polled once. */
  async create(body: NewImportSource): Promise<ImportSource> {
    const { id } = await this.service.call(this.admin, importSources.create, { body });
    return this.polled(id, null);
  }

  get(id: string): Promise<ImportSource> {
    return this.service.call(this.admin, importSources.get, { params: { id } });
  }

  /** Polls the source now, regardless of its schedule. */
  async look(id: string): Promise<ImportSource> {
    const { lastRunAt } = await this.service.call(this.admin, importSourceRun, { params: { id } });
    return this.polled(id, lastRunAt);
  }

  /** Advances the clock until the next poll is due, and waits for it. @param timeout milliseconds to wait */
  async later(id: string, seconds = 31, timeout?: number): Promise<ImportSource> {
    const { lastRunAt } = await this.get(id);
    this.service.clock.advance(seconds * 1_000);
    return this.polled(id, lastRunAt, timeout);
  }

  /** Polls twice: the second time, the new files have not changed for long enough to be imported. */
  async take(id: string): Promise<ImportSource> {
    await this.look(id);
    return this.later(id);
  }

  /** Returns the imports of a source's files, the newest first. */
  async imports(sourceId: string): Promise<ContactImportSummary[]> {
    return (await this.service.call(this.admin, contactImportsList, { query: { sourceId } })).items;
  }

  private polled(id: string, before: string | null, timeout = 10_000): Promise<ImportSource> {
    return eventually(
      async () => {
        this.service.get(ImportSourceWorker).wake();
        const source = await this.get(id);
        if (source.lastRunAt === before) throw new Error('the source has not been polled');
        return source;
      },
      { timeout },
    );
  }
}
