import type { FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Closes connections that have never carried a request, such as those that browsers and pools open in advance. Node
 * does not count them as idle, so a stopping server would wait for them.
 */
export function closeSilentConnections(instance: FastifyInstance): void {
  const silent = new Set<Socket>();
  instance.server.on('connection', (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  instance.server.on('request', ({ socket }: IncomingMessage) => silent.delete(socket));
  instance.addHook('preClose', (done) => {
    for (const socket of silent) socket.destroy();
    done();
  });
}
