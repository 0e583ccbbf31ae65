import { createHash, generateKeyPairSync } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, open, readdir, rename, stat, type FileHandle } from 'node:fs/promises';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import ssh2, { type Attributes, type SFTPWrapper } from 'ssh2';
import type { FileServer, ServedFolder } from './ftp-server.js';

const { Server, utils } = ssh2;
const { STATUS_CODE } = utils.sftp;

export interface SftpServer extends FileServer {
  /** As the server's users would see it with `ssh-keygen -l`. */
  hostKey: string;
  /** Hears of every password that somebody tries. */
  onPassword: (password: string) => void;
}

/** SFTP with a password, and a host key of its own. */
export async function startSftpServer(folder: ServedFolder): Promise<SftpServer> {
  const key = hostKey();
  const read: string[] = [];
  const clients = new Set<{ end(): void }>();
  const server = new Server({ hostKeys: [key] }, (client) => {
    clients.add(client);
    // Else each answer waits 40 ms for the one before to be acknowledged. The types don't know of it.
    (client as unknown as Socket).setNoDelay(true);
    client.on('error', () => undefined);
    client.on('close', () => clients.delete(client));
    client.on('authentication', (context) => {
      if (context.method === 'password') running.onPassword(context.password);
      const right =
        context.method === 'password' && context.username === folder.username && context.password === folder.password;
      if (right) context.accept();
      else context.reject(['password']);
    });
    client.on('session', (accept) =>
      accept().on('sftp', (acceptSftp) => serve(acceptSftp(), { root: folder.root, read })),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const parsed = utils.parseKey(key);
  if (parsed instanceof Error) throw parsed;
  const running: SftpServer = {
    onPassword: () => undefined,
    port: (server.address() as AddressInfo).port,
    read,
    hostKey: fingerprint(parsed.getPublicSSH()),
    stop: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const client of clients) client.end();
      return closed;
    },
  };
  return running;
}

/** From Node itself: of the keys that ssh2 makes, one in some hundred can't be read. */
const hostKey = (): string =>
  generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ type: 'sec1', format: 'pem' }).toString();

const fingerprint = (key: Buffer): string =>
  `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;

interface Listing {
  path: string;
  names: string[];
}

/** Files are read and moved in a folder of the machine; nothing is written. */
function serve(sftp: SFTPWrapper, { root, read }: { root: string; read: string[] }): void {
  const handles = new Map<string, FileHandle | Listing>();
  let last = 0;
  const at = (path: string) => join(root, join('/', path));
  const keep = (id: number, opened: FileHandle | Listing) => {
    const handle = String(++last);
    handles.set(handle, opened);
    sftp.handle(id, Buffer.from(handle));
  };
  /** Answers with the error's status when the work fails. */
  const on = (id: number, work: () => Promise<unknown>) => {
    work().catch((error: NodeJS.ErrnoException) =>
      sftp.status(id, error.code === 'ENOENT' ? STATUS_CODE.NO_SUCH_FILE : STATUS_CODE.FAILURE),
    );
  };
  const done = (id: number) => sftp.status(id, STATUS_CODE.OK);

  sftp.on('OPENDIR', (id, path) => on(id, async () => keep(id, { path, names: await readdir(at(path)) })));
  sftp.on('READDIR', (id, handle) =>
    on(id, async () => {
      const listing = handles.get(handle.toString()) as Listing;
      const names = listing.names.splice(0, 50);
      if (names.length === 0) return sftp.status(id, STATUS_CODE.EOF);
      const entries = names.map(async (name) => {
        const attrs = attributesOf(await stat(join(at(listing.path), name)));
        return { filename: name, longname: name, attrs };
      });
      return sftp.name(id, await Promise.all(entries));
    }),
  );
  sftp.on('OPEN', (id, path) =>
    on(id, async () => {
      read.push(path.split('/').at(-1)!);
      keep(id, await open(at(path), 'r'));
    }),
  );
  sftp.on('READ', (id, handle, offset, length) =>
    on(id, async () => {
      const file = handles.get(handle.toString()) as FileHandle;
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, offset);
      return bytesRead > 0 ? sftp.data(id, buffer.subarray(0, bytesRead)) : sftp.status(id, STATUS_CODE.EOF);
    }),
  );
  sftp.on('CLOSE', (id, handle) =>
    on(id, async () => {
      const opened = handles.get(handle.toString());
      handles.delete(handle.toString());
      if (opened && 'close' in opened) await opened.close();
      done(id);
    }),
  );
  const status = (id: number, path: string) => on(id, async () => sftp.attrs(id, attributesOf(await stat(at(path)))));
  sftp.on('STAT', status);
  sftp.on('LSTAT', status);
  sftp.on('FSTAT', (id, handle) =>
    on(id, async () => sftp.attrs(id, attributesOf(await (handles.get(handle.toString()) as FileHandle).stat()))),
  );
  sftp.on('MKDIR', (id, path) => on(id, () => mkdir(at(path)).then(() => done(id))));
  sftp.on('RENAME', (id, from, to) => on(id, () => rename(at(from), at(to)).then(() => done(id))));
}

const attributesOf = ({ mode, uid, gid, size, atimeMs, mtimeMs }: Stats): Attributes => ({
  mode,
  uid,
  gid,
  size,
  atime: Math.floor(atimeMs / 1_000),
  mtime: Math.floor(mtimeMs / 1_000),
});
