import { TransactionContext } from '@mikro-orm/postgresql';
import type { ControlledTransaction } from 'kysely';
import { channel } from 'node:diagnostics_channel';

/** A call to another service, the broker or the network that was made while a transaction was open. */
export interface CallInTransaction {
  /** Which door it went through, such as `rpc.contacts.find` or `webhook`: a fixed name, never anybody's data. */
  call: string;
  /** The innermost places of the stack. */
  at: string[];
  /** The connection pool of the transaction: several services may run in one process. */
  driver: object;
}

export const callsInTransaction = channel('leaver.call-in-transaction');

/** With this value in the environment a call inside a transaction throws. Tests and fault runs set it. */
const THROW = 'throw';
const PLACES = 8;

/**
 * Every way out of the process calls this first. A transaction holds locks and a connection: whoever asks others meanwhile
 * makes everybody wait for the slowest of them, and two services that ask each other wait for ever.
 *
 * The transaction is the one of `em.transactional` around the work at hand, whichever EntityManager began it. After commit
 * or rollback it counts as ended, so what runs after the commit may call. What a savepoint (a nested `transactional`) has
 * started and not awaited counts as inside for good.
 * @throws CallInTransactionError where `LEAVER_CALLS_IN_TRANSACTION` is `throw`; otherwise the call goes on, and is
 *   published on `callsInTransaction`
 */
export function assertNoOpenTransaction(call: string): void {
  const driver = driverInTransaction();
  if (!driver) return;
  const error = new CallInTransactionError(call);
  callsInTransaction.publish({ call, at: placesOf(error), driver } satisfies CallInTransaction);
  if (process.env.LEAVER_CALLS_IN_TRANSACTION === THROW) throw error;
}

export class CallInTransactionError extends Error {
  constructor(call: string) {
    super(`${call} while a database transaction is open`);
  }
}

function driverInTransaction(): object | undefined {
  const em = TransactionContext.currentTransactionContext()?.em;
  const transaction = em?.getTransactionContext<ControlledTransaction<unknown>>();
  if (!em || !transaction || transaction.isCommitted || transaction.isRolledBack) return undefined;
  return em.getDriver();
}

function placesOf({ stack = '' }: Error): string[] {
  const places = stack.split('\n').filter((line) => line.startsWith('    at '));
  // The first one is this file.
  return places.slice(1, 1 + PLACES).map((line) => line.slice(7));
}
