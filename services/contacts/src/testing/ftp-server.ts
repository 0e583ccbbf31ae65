import { freePort } from '#libs/local-servers';
import { FtpSrv } from 'ftp-srv';
import { once } from 'node:events';

/** A server for a local folder, with one user. */
export interface FileServer {
  port: number;
  /** Names of the files that were read, in the order in which the reads started. */
  readonly read: string[];
  stop(): Promise<void>;
}

export interface ServedFolder {
  root: string;
  username: string;
  password: string;
}

const quiet = { child: () => quiet, ...Object.fromEntries(['trace', 'debug', 'info', 'warn', 'error'].map(mute)) };

function mute(level: string) {
  return [level, () => undefined] as const;
}

/** FTP in passive mode. Like many servers, it returns a modification time for a single file but not in listings. */
export async function startFtpServer({ root, username, password }: ServedFolder): Promise<FileServer> {
  const port = await freePort();
  const signals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
  const before = signals.map((signal) => process.listeners(signal));
  const server = new FtpSrv({ url: `ftp://127.0.0.1:${port}`, pasv_url: '127.0.0.1', log: quiet });
  // The server's signal handlers would end the whole process.
  signals.forEach((signal, index) => {
    for (const listener of process.listeners(signal))
      if (!before[index]!.includes(listener)) process.off(signal, listener);
  });
  const read: string[] = [];
  server.on('login', ({ connection, ...given }, resolve, reject) => {
    if (given.username !== username || given.password !== password) return reject(new Error('no'));
    connection.on('RETR', (error: Error | null, path: string) => error ?? read.push(path.split('/').at(-1)!));
    resolve({ root });
  });
  await server.listen();
  const connections = server as unknown as { server: NodeJS.EventEmitter & { close(): void } };
  return {
    port,
    read,
    stop: async () => {
      const closed = once(connections.server, 'close');
      await server.close().catch(() => undefined);
      await closed;
    },
  };
}
