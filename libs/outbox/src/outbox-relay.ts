import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Log, Metrics } from '#libs/observability';
import { Outbox } from './outbox.js';
import { Publisher } from '#libs/broker';
import { Relay } from './relay.js';
import { Clock, DATABASE_URL, Ids } from '#libs/database';

/** Runs the relay of this process and publishes its backlog as metrics. */
@Injectable()
export class OutboxRelay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly relay: Relay;

  constructor(
    @Inject(DATABASE_URL) databaseUrl: string,
    publisher: Publisher,
    clock: Clock,
    ids: Ids,
    metrics: Metrics,
    outbox: Outbox,
    log: Log,
  ) {
    this.relay = new Relay({ databaseUrl, publisher, clock, ids, log });
    const waiting = metrics.gauge('leaver_outbox_waiting', 'Events that at least one service has not acknowledged.');
    const oldest = metrics.gauge('leaver_outbox_oldest_seconds', 'Age of the oldest waiting event.');
    metrics.measured(async () => {
      const backlog = await outbox.backlog();
      waiting.set(backlog.waiting);
      oldest.set(backlog.oldestSeconds);
    });
  }

  onApplicationBootstrap(): void {
    this.relay.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.relay.stop();
  }

  /** Looks for due events now. Needed only by tests that move the clock. */
  wake(): void {
    this.relay.wake();
  }
}
