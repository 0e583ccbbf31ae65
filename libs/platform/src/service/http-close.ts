import type { NestFastifyApplication } from '@nestjs/platform-fastify';

const LOOK_EVERY = 50;

/**
 * Disconnects clients when the service stops. A client with a keep-alive connection would otherwise delay the stop:
 * responses from now on close their connection, and idle connections are closed.
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
