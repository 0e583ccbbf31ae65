import { TransactionContext } from '@mikro-orm/postgresql';
import type { ControlledTransaction } from 'kysely';
import { channel } from 'node:diagnostics_channel';

/** A call to another service, the broker or the network that was made while a transaction was open. */
export interface CallInTransaction {
  /** The kind of call, such as `rpc.contacts.find` or `webhook`: a fixed name, never personal data. */
  call: string;
  /** The innermost frames of the stack. */
  at: string[];
  /** The connection pool of the transaction, because several services may run in one process. */
  driver: object;
}

export const callsInTransaction = channel('leaver.call-in-transaction');

/**
 * With this value of `LEAVER_CALLS_IN_TRANSACTION`, a call inside a transaction throws. Tests and fault runs set it.
 */
const THROW = 'throw';
const FRAMES = 8;

/**
 * Must be called before every call that leaves the process. A transaction holds locks and a connection: a call inside
 * one makes others wait for the slowest service, and two services that call each other deadlock.
 *
 * The transaction is that of the surrounding `em.transactional`, whichever EntityManager began it. After commit or
 * rollback it counts as ended, so work after the commit may call. Work that a savepoint (a nested `transactional`) has
 * started and not awaited always counts as inside.
 * @throws CallInTransactionError if `LEAVER_CALLS_IN_TRANSACTION` is `throw`; otherwise the call proceeds and is
 * published on `callsInTransaction`
 */
export function assertNoOpenTransaction(call: string): void {
  const driver = driverInTransaction();
  if (!driver) return;
  const error = new CallInTransactionError(call);
  callsInTransaction.publish({ call, at: framesOf(error), driver } satisfies CallInTransaction);
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

function framesOf({ stack = '' }: Error): string[] {
  const frames = stack.split('\n').filter((line) => line.startsWith('    at '));
  // The first frame is this file.
  return frames.slice(1, 1 + FRAMES).map((line) => line.slice(7));
}
