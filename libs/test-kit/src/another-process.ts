import { AsyncResource } from 'node:async_hooks';

const outside = new AsyncResource('outside of any transaction');

/**
 * Runs work that stands for another process while the test holds a transaction open: the work is not part of that
 * transaction.
 */
export const asAnotherProcess = <T>(work: () => T): T => outside.runInAsyncScope(work);
