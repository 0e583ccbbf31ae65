import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

/** An HTTP server that receives webhooks. */
export class Receiver {
  readonly received: Received[] = [];
  status = 204;
  private server!: Server;

  async open(): Promise<string> {
    this.server = createServer((request, response) => {
      let body = '';
      request.on('data', (text) => (body += text));
      request.on('end', () => {
        this.received.push({ headers: request.headers, body });
        response.writeHead(this.status, { location: '/elsewhere' }).end();
      });
    });
    await new Promise<void>((listening) => this.server.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/hook`;
  }

  close(): Promise<unknown> {
    return new Promise((closed) => this.server.close(closed));
  }
}
