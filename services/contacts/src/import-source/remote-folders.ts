import { addressOf, Encryption, PrivateAddressError } from '#libs/platform';
import { Injectable } from '@nestjs/common';
import { ContactsConfig } from '../contacts.config.js';
import { FtpFolder } from './ftp-folder.js';
import type { RemoteFolder } from './remote-folder.js';
import { SftpFolder } from './sftp-folder.js';
import { SourceFault } from './source-fault.js';
import type { Claimed } from './source-schedule.js';

/** Connects to the servers of sources. */
@Injectable()
export class RemoteFolders {
  constructor(
    private readonly encryption: Encryption,
    private readonly config: ContactsConfig,
  ) {}

  /** @throws SourceFault when the address is refused, or the server does not let us in */
  async open(source: Claimed, signal: AbortSignal): Promise<RemoteFolder> {
    const address = await addressOf(source.host, { allowPrivate: this.config.importSourcesAllowPrivate }).catch(
      (error: unknown) => {
        const code = error instanceof PrivateAddressError ? 'source-address-refused' : 'source-unreachable';
        throw new SourceFault(code, { cause: error });
      },
    );
    if (signal.aborted) throw new SourceFault('source-unreachable');
    const login = { ...source, address, password: this.encryption.decrypt(source.password, source.accountId) };
    return source.kind === 'sftp' ? SftpFolder.open(login, signal) : FtpFolder.open(login, signal);
  }
}
