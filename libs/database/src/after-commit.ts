import type { EntityManager, EventSubscriber, TransactionEventArgs } from '@mikro-orm/postgresql';

type Work = () => Promise<unknown>;

/** Does things once the running transaction is committed, and when it is rolled back only what says so. */
export class AfterCommit implements EventSubscriber {
  private readonly waiting = new WeakMap<object, Work[]>();
  private readonly eitherWay = new WeakMap<object, Work[]>();

  /** @param onFailure is given the error of what could not be done */
  constructor(
    private readonly em: EntityManager,
    private readonly onFailure: (error: unknown) => void,
  ) {
    em.getEventManager().registerSubscriber(this);
  }

  /**
   * For what is made good later in some other way: its failure fails nobody, since the transaction stands.
   * @throws TypeError outside of a transaction, or inside a savepoint, whose end says nothing about the transaction's
   */
  run(work: Work): void {
    this.put(this.waiting, work);
  }

  /**
   * However the transaction ends: for what has to be told of a command although it has come to nothing.
   * @throws TypeError as `run` does
   */
  runEitherWay(work: Work): void {
    this.put(this.eitherWay, work);
  }

  async afterTransactionCommit({ transaction }: TransactionEventArgs): Promise<void> {
    await this.work([...this.worksOf(this.waiting, transaction), ...this.worksOf(this.eitherWay, transaction)]);
  }

  async afterTransactionRollback({ transaction }: TransactionEventArgs): Promise<void> {
    await this.work(this.worksOf(this.eitherWay, transaction));
  }

  private put(works: WeakMap<object, Work[]>, work: Work): void {
    const transaction = this.em.getTransactionContext<object>();
    if (!transaction || 'savepointName' in transaction) throw new TypeError('needs a transaction that is no savepoint');
    works.set(transaction, [...this.worksOf(works, transaction), work]);
  }

  private worksOf(works: WeakMap<object, Work[]>, transaction: unknown): Work[] {
    return works.get(transaction as object) ?? [];
  }

  private async work(works: readonly Work[]): Promise<void> {
    for (const outcome of await Promise.allSettled(works.map((work) => work()))) {
      if (outcome.status === 'rejected') this.onFailure(outcome.reason);
    }
  }
}
