import type { EntityManager, EventSubscriber, TransactionEventArgs } from '@mikro-orm/postgresql';
import { sql, type QueryExecutorProvider } from 'kysely';

/** The channel on which the relay listens. */
export const OUTBOX_CHANNEL = 'outbox';

/**
 * Wakes the relay when a transaction that wrote events has been committed.
 *
 * A trigger that notifies would be simpler, but PostgreSQL lets only one transaction with a notification commit at a time,
 * for the whole server, its wait for the disk included: deciding transactions would queue up behind each other. Instead
 * the notification follows the commit, outside of it, at most one at a time. One that gets lost costs the second until
 * the relay looks by itself.
 */
export class RelayNotifier implements EventSubscriber {
  private readonly waiting = new WeakSet<object>();
  private notifying = false;
  private notifyAgain = false;

  constructor(private readonly em: EntityManager) {
    em.getEventManager().registerSubscriber(this);
  }

  /** Call it in the transaction, or without one after the statement. */
  async afterCommit(): Promise<void> {
    const db = this.em.getKysely();
    if (!this.em.isInTransaction()) this.notifySoon();
    // A released savepoint doesn't tell which transaction it belongs to, so here the notification has to go along.
    else if ('savepointName' in db) await notify(db);
    else this.waiting.add(db);
  }

  /** Called by MikroORM. */
  afterTransactionCommit({ transaction }: TransactionEventArgs): void {
    if (transaction && this.waiting.delete(transaction)) this.notifySoon();
  }

  private notifySoon(): void {
    this.notifyAgain = this.notifying;
    if (this.notifying) return;
    this.notifying = true;
    notify(this.em.fork().getKysely())
      // A notification that fails costs the second until the relay looks by itself.
      .catch(() => undefined)
      .finally(() => {
        this.notifying = false;
        if (this.notifyAgain) this.notifySoon();
      });
  }
}

const notify = (db: QueryExecutorProvider) => sql`select pg_notify(${OUTBOX_CHANNEL}, '')`.execute(db);
