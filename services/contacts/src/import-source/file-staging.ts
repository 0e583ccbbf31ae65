import { EntityManager, RequestContext } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Uploads } from '../contact-import/uploads.js';
import { ContactsConfig } from '../contacts.config.js';
import { PieceWriter } from './piece-writer.js';
import type { RemoteFile, RemoteFolder } from './remote-folder.js';
import { SourceFiles, type KnownFile } from './source-files.js';
import { ownerHasLeft } from './source-owners.js';
import type { SourceRun } from './source-schedule.js';

/** The import source that a file belongs to, and the run that has claimed it. */
export interface StagedFor extends SourceRun {
  accountId: string;
  userIdField: string | null;
}

/** Copies a file of an import source into an upload, so that it is imported. */
@Injectable()
export class FileStaging {
  constructor(
    private readonly em: EntityManager,
    private readonly uploads: Uploads,
    private readonly files: SourceFiles,
    private readonly config: ContactsConfig,
  ) {}

  /**
   * One transaction marks the file as taken and starts its import, so a file is imported exactly once.
   * @returns the import's id; undefined if the file or the source changed while it was read, another run has taken it, or
   *   the owner of the source has left
   * @throws SourceFault
   */
  async stage(source: StagedFor, folder: RemoteFolder, file: KnownFile): Promise<string | undefined> {
    const importId = await this.open(source, file);
    if (!importId) return undefined;
    if (file.size > this.config.importLimitBytes) {
      await this.uploads.abort(importId, `The file is larger than ${this.config.importLimitBytes} bytes.`);
      return this.take(source, file, importId);
    }
    if (await this.copy(importId, folder, file)) return this.take(source, file, importId);
    await this.uploads.abort(importId);
    await this.files.forget(source.id, file);
    return undefined;
  }

  private async open(source: StagedFor, file: KnownFile): Promise<string | undefined> {
    return this.transaction(async () => {
      if (await ownerHasLeft(this.em.getKysely(), source.id)) return undefined;
      if (file.importId) await this.uploads.abort(file.importId);
      const importId = await this.uploads.openFrom(source, file.name);
      if (await this.files.reading(source, file, importId)) return importId;
      await this.uploads.abort(importId);
      return undefined;
    });
  }

  /** @returns false if the file has changed since it was listed */
  private async copy(importId: string, folder: RemoteFolder, file: RemoteFile): Promise<boolean> {
    let n = 0;
    const writer = new PieceWriter(file.size, (piece) =>
      RequestContext.create(this.em, () => this.uploads.append(importId, n++, piece)),
    );
    try {
      await folder.read(file.name, writer);
      return writer.bytes === file.size && isSame(file, await folder.look(file.name));
    } catch (error) {
      await this.uploads.abort(importId);
      throw writer.fault ?? error;
    }
  }

  private async take(source: StagedFor, file: RemoteFile, importId: string): Promise<string | undefined> {
    const taken = await this.transaction(async () => {
      if (await ownerHasLeft(this.em.getKysely(), source.id)) return false;
      const first = await this.files.take(source, file, importId);
      if (first) await this.uploads.close(importId);
      return first;
    });
    if (taken) return importId;
    await this.uploads.abort(importId);
    return undefined;
  }

  private transaction<T>(work: () => Promise<T>): Promise<T> {
    return RequestContext.create(this.em, () => this.em.transactional(work));
  }
}

/** Compares size and modification time. Without a time from the server, the size decides. */
export const isSame = (file: RemoteFile, now: RemoteFile | null): boolean =>
  now?.size === file.size && now.modifiedAt?.getTime() === file.modifiedAt?.getTime();
