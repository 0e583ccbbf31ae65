import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Metrics } from './metrics.js';

/** Serves only the metrics, on a port that is not published. */
export class MetricsServer {
  private constructor(private readonly server: Server) {}

  /** @throws Error `EADDRINUSE` if the port is taken */
  static async listen(metrics: Metrics, port: number, host: string): Promise<MetricsServer> {
    const server = createServer((request, response) => {
      // A request that cannot be answered is a failed scrape, which Prometheus shows.
      answer(metrics, request, response).catch(() => response.destroy());
    });
    server.listen(port, host);
    await once(server, 'listening');
    return new MetricsServer(server);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}

async function answer(metrics: Metrics, { method, url }: IncomingMessage, response: ServerResponse): Promise<void> {
  if (url?.split('?', 1)[0] !== '/metrics') return void response.writeHead(404).end();
  if (method !== 'GET') return void response.writeHead(405, { allow: 'GET' }).end();
  // Not logged: the scraper reports the 500.
  const page = await metrics.render().catch(() => undefined);
  if (page === undefined) return void response.writeHead(500).end();
  response.writeHead(200, { 'content-type': metrics.contentType }).end(page);
}
