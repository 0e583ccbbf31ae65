import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

/** An HTTP server that receives webhooks. */
export class Receiver {
  readonly received: Received[] = [];
  status = 204;
  headers: OutgoingHttpHeaders = {};
  /** Requests are answered when it resolves. One that never does is a receiver that does not answer. */
  until: Promise<unknown> = Promise.resolve();
  private server!: Server;

  async open(): Promise<string> {
    this.server = createServer((request, response) => {
      let body = '';
      request.on('data', (text) => (body += text));
      request.on('end', () => {
        this.received.push({ headers: request.headers, body });
        const { status, headers } = this;
        void this.until.then(() => response.writeHead(status, { location: '/elsewhere', ...headers }).end());
      });
    });
    await new Promise<void>((listening) => this.server.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }

  close(): Promise<unknown> {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}
