import { eventually } from '#libs/test-kit';
import { afterEach, expect, it } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { EventStream } from './event-stream.js';

let server: Server;
afterEach(() => new Promise((closed) => server.close(closed)));

const replyWith = (raw: ServerResponse) => ({ raw, hijack: () => undefined, getHeaders: () => ({}) });

it('a client that reads nothing is disconnected', async () => {
  let stream: EventStream | undefined;
  server = createServer((_request, raw) => {
    // Only what a stream uses of Fastify's reply.
    const opened = EventStream.open(replyWith(raw) as unknown as FastifyReply, { stallMs: 50 });
    stream = opened;
    const keepSending = async () => {
      while (!opened.closed) await opened.send(1, 'rule', 'x'.repeat(500_000));
    };
    void keepSending();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined).pause();
  client.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  try {
    await eventually(() => expect(stream?.closed).toBe(true));
  } finally {
    client.destroy();
  }
});
