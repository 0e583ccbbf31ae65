import { callsInTransaction, type CallInTransaction } from '#libs/database';
import { Log, Metrics } from '#libs/observability';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Optional, type OnApplicationShutdown } from '@nestjs/common';

/** Reports calls that were made while a transaction was open: counts all of them, and logs each call site once. */
@Injectable()
export class CallsInTransaction implements OnApplicationShutdown {
  private readonly total;
  private readonly logged = new Set<string>();

  constructor(
    metrics: Metrics,
    private readonly log: Log,
    @Optional() private readonly em?: EntityManager,
  ) {
    this.total = metrics.counter(
      'leaver_calls_in_transaction_total',
      'Calls to other services or the network while a database transaction was open.',
      ['call'],
    );
    callsInTransaction.subscribe(this.record);
  }

  onApplicationShutdown(): void {
    callsInTransaction.unsubscribe(this.record);
  }

  private readonly record = (message: unknown): void => {
    const { call, at, driver } = message as CallInTransaction;
    // Other services in the same process have their own databases.
    if (driver !== this.em?.getDriver()) return;
    this.total.inc({ call });
    const place = at.join();
    if (this.logged.has(place)) return;
    this.logged.add(place);
    this.log.error({ call, at }, 'call made inside a database transaction');
  };
}
