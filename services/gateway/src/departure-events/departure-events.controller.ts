import { SessionEpochs } from '#libs/auth';
import { NATS, ServiceClient } from '#libs/broker';
import { departureEvents, departureProgress, Problem, watchDeparture } from '#libs/contracts';
import { Clock } from '#libs/database';
import { WakeSignal } from '#libs/jobs';
import { Metrics } from '#libs/observability';
import { Controller, Inject, Req, Res, type OnModuleDestroy } from '@nestjs/common';
import type { NatsConnection } from '@nats-io/transport-node';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Authenticator } from '../auth/authenticator.js';
import { assertPermitted } from '../auth/permission.js';
import { OpenWork } from '../limits/open-work.js';
import { readParams } from '../operations/read-call.js';
import { Serves } from '../operations/serves.js';
import { EventStream } from './event-stream.js';

/** Milliseconds between two checks without a ping, in case a ping is lost. */
const LOOK_EVERY = 2_000;
const BEAT_EVERY = 15_000;

/** A watching client. Its loop wakes up when there may be events or when it has to end. */
class Watcher extends WakeSignal {
  stopped = false;

  stop(): void {
    this.stopped = true;
    this.wake();
  }
}

/**
 * Streams the events of a departure. Any replica can continue a stream: it needs only the number of the last event that
 * the client has seen.
 */
@Controller()
export class DepartureEventsController implements OnModuleDestroy {
  private readonly watchers = new Set<Watcher>();
  private readonly streams: ReturnType<Metrics['gauge']>;

  constructor(
    @Inject(NATS) private readonly nats: NatsConnection,
    private readonly services: ServiceClient,
    private readonly authenticator: Authenticator,
    private readonly epochs: SessionEpochs,
    private readonly open: OpenWork,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    this.streams = metrics.gauge('leaver_departure_streams', 'Clients that are watching a departure.');
  }

  /** Ends all streams; clients reconnect to another replica. */
  onModuleDestroy(): void {
    for (const watcher of this.watchers) watcher.stop();
  }

  @Serves(watchDeparture)
  async watch(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const departureId = readParams(request).id!;
    const { userId, sessionId } = request.principal!;
    const end = this.open.begin('streams', request.principal!);
    const watcher = new Watcher();
    this.watchers.add(watcher);
    this.streams.set(this.watchers.size);
    const pings = this.nats.subscribe(departureProgress(departureId), { callback: () => watcher.wake() });
    const stopListening = this.epochs.onEnd(userId, sessionId, () => watcher.stop());
    try {
      await this.show(departureId, request, reply, watcher);
    } finally {
      pings.unsubscribe();
      stopListening();
      this.watchers.delete(watcher);
      this.streams.set(this.watchers.size);
      end();
    }
  }

  private async show(
    departureId: string,
    request: FastifyRequest,
    reply: FastifyReply,
    watcher: Watcher,
  ): Promise<void> {
    const { accountId } = request.principal!;
    let after = lastSeen(request);
    const look = () => this.services.ask(departureEvents, { accountId, departureId, after });
    // Read before the stream begins, so that an unknown departure is an ordinary 404.
    let news = await look();
    // Nothing is left to say, and nothing will be: 204 is what ends the reconnecting of an EventSource.
    if (news.final && news.events.length === 0) return void reply.status(204).send();
    if (request.method === 'HEAD') return void reply.type('text/event-stream').send();
    const stream = EventStream.open(reply);
    stream.onClose(() => watcher.stop());
    let beatAt = this.clock.millis() + BEAT_EVERY;
    for (;;) {
      for (const { n, type, data } of news.events) {
        await stream.send(n, type, data);
        after = n;
      }
      if (news.final || watcher.stopped) break;
      await watcher.wait(LOOK_EVERY);
      if (watcher.stopped) break;
      if (this.clock.millis() >= beatAt) {
        beatAt = this.clock.millis() + BEAT_EVERY;
        if (!(await this.stillAuthorized(request))) break;
        await stream.beat();
      }
      news = await look().catch(noEventsIfUnavailable);
    }
    stream.end();
  }

  /** The end of a session is reported to us. What an API token may do, and whether it still exists, has to be asked for. */
  private async stillAuthorized({ principal, headers }: FastifyRequest): Promise<boolean> {
    if (principal?.sessionId) return true;
    return this.authenticator
      .authenticate(headers.authorization)
      .then((current) => assertPermitted(watchDeparture, current))
      .then(
        () => true,
        (error) => !(error instanceof Problem && ['unauthenticated', 'forbidden'].includes(error.code)),
      );
  }
}

/** Returns no events while identity is not available, so that the stream waits for it. @throws any other error */
function noEventsIfUnavailable(error: unknown): { events: []; final: false } {
  if (error instanceof Problem && error.code === 'service-unavailable') return { events: [], final: false };
  throw error;
}

/** The largest number that an event can have; identity keeps it as a 32-bit integer. */
const MOST_EVENTS = 2_147_483_647;

/** Number of the last event that the client has seen; 0 without a valid `Last-Event-ID`. */
function lastSeen(request: FastifyRequest): number {
  const id = Number(request.headers['last-event-id']);
  return Number.isSafeInteger(id) && id > 0 ? Math.min(id, MOST_EVENTS) : 0;
}
