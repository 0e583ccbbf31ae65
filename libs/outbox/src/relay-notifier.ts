import type { EntityManager, EventSubscriber, TransactionEventArgs } from '@mikro-orm/postgresql';
import { sql, type QueryExecutorProvider } from 'kysely';

/** The NOTIFY channel on which the relay listens. */
export const OUTBOX_CHANNEL = 'outbox';

/**
 * Wakes the relay when a transaction that wrote events has committed.
 *
 * A trigger that notifies would be simpler. But PostgreSQL lets only one transaction with a notification commit at a
 * time per server, including its wait for the disk, so deciding transactions would queue behind each other. Instead the
 * notification is sent after the commit and outside of it, at most one at a time. A lost one costs up to the second
 * until the relay polls.
 */
export class RelayNotifier implements EventSubscriber {
  private readonly waiting = new WeakSet<object>();
  private notifying = false;
  private notifyAgain = false;

  constructor(private readonly em: EntityManager) {
    em.getEventManager().registerSubscriber(this);
  }

  /** Call it inside the transaction, or after the statement if there is none. */
  async afterCommit(): Promise<void> {
    const db = this.em.getKysely();
    if (!this.em.isInTransaction()) this.notifySoon();
    // A released savepoint does not show which transaction it belongs to, so here the notification is sent inside it.
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
      // A failed notification costs up to the second until the relay polls.
      .catch(() => undefined)
      .finally(() => {
        this.notifying = false;
        if (this.notifyAgain) this.notifySoon();
      });
  }
}

const notify = (db: QueryExecutorProvider) => sql`select pg_notify(${OUTBOX_CHANNEL}, '')`.execute(db);
