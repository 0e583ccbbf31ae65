import { Problem } from '#libs/contracts';
import type { Clock } from '#libs/database';
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { closeWith } from './raw-problem.js';
import { hasBody } from './request.js';

/** A body without a byte for so long is given up. */
const SILENT_MS = 30_000;
/** A body must arrive with a kilobyte per second, on average over a minute. */
const WINDOW_MS = 60_000;
const WINDOW_BYTES = 60 * 1_024;
const LOOK_EVERY_MS = 500;

interface Progress {
  bytes: number;
  movedAt: number;
  windowAt: number;
  windowBytes: number;
}

/**
 * Closes connections whose request body arrives too slowly. A large file may take as long as it needs, and time in which we
 * do not read does not count.
 */
export class SlowBodies {
  private readonly open = new Map<IncomingMessage, Progress>();

  constructor(
    instance: FastifyInstance,
    private readonly clock: Clock,
  ) {
    instance.addHook('onRequest', (request, _reply, done) => {
      if (hasBody(request)) this.watch(request.raw);
      done();
    });
    const looking = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
    instance.addHook('onClose', (_instance, done) => {
      clearInterval(looking);
      done();
    });
  }

  private watch(body: IncomingMessage): void {
    this.open.set(body, this.start(body));
    body.once('close', () => this.open.delete(body));
  }

  private start({ socket }: IncomingMessage): Progress {
    const [bytes, now] = [socket.bytesRead, this.clock.millis()];
    return { bytes, movedAt: now, windowAt: now, windowBytes: bytes };
  }

  private look(): void {
    for (const [body, progress] of this.open) {
      if (body.complete || body.destroyed) this.open.delete(body);
      // The client has sent what we have not read yet.
      else if (body.readableLength > 0) this.open.set(body, this.start(body));
      else if (this.isTooSlow(body, progress)) this.giveUp(body);
    }
  }

  private isTooSlow({ socket: { bytesRead } }: IncomingMessage, progress: Progress): boolean {
    const now = this.clock.millis();
    if (bytesRead > progress.bytes) Object.assign(progress, { bytes: bytesRead, movedAt: now });
    if (now - progress.movedAt >= SILENT_MS) return true;
    if (now - progress.windowAt < WINDOW_MS) return false;
    if (bytesRead - progress.windowBytes < WINDOW_BYTES) return true;
    Object.assign(progress, { windowAt: now, windowBytes: bytesRead });
    return false;
  }

  private giveUp(body: IncomingMessage): void {
    this.open.delete(body);
    closeWith(body.socket, new Problem('request-timeout'));
  }
}
