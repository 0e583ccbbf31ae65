import type { NestFastifyApplication } from '@nestjs/platform-fastify';

const LOOK_EVERY = 50;

/**
 * Lets go of clients when the service ends. A client that keeps its connection for a next request would hold up the end for as
 * long as it likes: an answer given from now on tells it not to, and a connection without a request is closed.
 */
export function releaseClients(app: NestFastifyApplication): void {
  const http = app.getHttpAdapter().getInstance();
  let closing: NodeJS.Timeout | undefined;
  http.addHook('preClose', (done) => {
    closing = setInterval(() => http.server.closeIdleConnections(), LOOK_EVERY).unref();
    http.server.once('close', () => clearInterval(closing));
    done();
  });
  http.addHook('onSend', (_request, reply, payload, done) => {
    if (closing) reply.header('connection', 'close');
    done(null, payload);
  });
}
