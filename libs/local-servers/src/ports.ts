import { createServer } from 'node:net';

/** Returns a TCP port of 127.0.0.1 that is currently free. Another process may take it afterwards. */
export function freePort(): Promise<number> {
  return listenOnce(0);
}

/** Whether this port of 127.0.0.1 is currently free. */
export async function isPortFree(port: number): Promise<boolean> {
  return listenOnce(port).then(
    () => true,
    () => false,
  );
}

function listenOnce(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(wanted, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : wanted;
      server.close(() => resolve(port));
    });
  });
}
