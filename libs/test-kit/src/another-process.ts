import { AsyncResource } from 'node:async_hooks';

const outside = new AsyncResource('outside of any transaction');

/**
 * Runs what somebody else does while the test holds a transaction open: as in a process of its own, it is not part of that
 * transaction.
 */
export const asAnotherProcess = <T>(work: () => T): T => outside.runInAsyncScope(work);
