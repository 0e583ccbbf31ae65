import { EntityManager, type EventSubscriber, type TransactionEventArgs } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { faultOf, Log } from '#libs/broker';

type Work = () => Promise<unknown>;

/** Does things once the running transaction is committed, and never when it is rolled back. */
@Injectable()
export class AfterCommit implements EventSubscriber {
  private readonly waiting = new WeakMap<object, Work[]>();

  constructor(
    private readonly em: EntityManager,
    private readonly log: Log,
  ) {
    em.getEventManager().registerSubscriber(this);
  }

  /**
   * For what is made good later in some other way: its failure fails nobody, since the transaction stands.
   * @throws TypeError outside of a transaction, or inside a savepoint, whose end says nothing about the transaction's
   */
  run(work: Work): void {
    const transaction = this.em.getTransactionContext() as object | undefined;
    if (!transaction || 'savepointName' in transaction) throw new TypeError('needs a transaction that is no savepoint');
    this.waiting.set(transaction, [...(this.waiting.get(transaction) ?? []), work]);
  }

  async afterTransactionCommit({ transaction }: TransactionEventArgs): Promise<void> {
    const works = this.waiting.get(transaction as object) ?? [];
    for (const outcome of await Promise.allSettled(works.map((work) => work()))) {
      if (outcome.status === 'rejected') this.log.warn(faultOf(outcome.reason), 'not done after a commit');
    }
  }
}
