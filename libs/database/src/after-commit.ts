import type { EntityManager, EventSubscriber, TransactionEventArgs } from '@mikro-orm/postgresql';

type Work = () => Promise<unknown>;

/** Runs callbacks once the running transaction has committed; those given to `runEitherWay` also after a rollback. */
export class AfterCommit implements EventSubscriber {
  private readonly waiting = new WeakMap<object, Work[]>();
  private readonly eitherWay = new WeakMap<object, Work[]>();

  /** @param onFailure receives the error of a callback that failed */
  constructor(
    private readonly em: EntityManager,
    private readonly onFailure: (error: unknown) => void,
  ) {
    em.getEventManager().registerSubscriber(this);
  }

  /**
   * For work that is also done some other way if it fails: a failure does not affect the transaction.
   * @throws TypeError outside of a transaction, or inside a savepoint, because its end says nothing about the
   * transaction
   */
  run(work: Work): void {
    this.add(this.waiting, work);
  }

  /**
   * Runs after a commit or a rollback, for example to report a command that was refused.
   * @throws TypeError as `run` does
   */
  runEitherWay(work: Work): void {
    this.add(this.eitherWay, work);
  }

  async afterTransactionCommit({ transaction }: TransactionEventArgs): Promise<void> {
    await this.work([...this.worksOf(this.waiting, transaction), ...this.worksOf(this.eitherWay, transaction)]);
  }

  async afterTransactionRollback({ transaction }: TransactionEventArgs): Promise<void> {
    await this.work(this.worksOf(this.eitherWay, transaction));
  }

  private add(works: WeakMap<object, Work[]>, work: Work): void {
    const transaction = this.em.getTransactionContext<object>();
    if (!transaction || 'savepointName' in transaction) throw new TypeError('needs a transaction, not a savepoint');
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
