import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/postgresql';
import { callsInTransaction, TestClock, type CallInTransaction } from '#libs/database';
import { Metrics, type Log } from '#libs/observability';
import { CallsInTransaction } from './calls-in-transaction.js';

describe('calls while a transaction is open', () => {
  const driver = {};
  let lines: object[];
  let metrics: Metrics;
  let shown: CallsInTransaction;
  beforeEach(() => {
    lines = [];
    metrics = new Metrics(new TestClock());
    const log = { error: (facts: object) => void lines.push(facts) } as unknown as Log;
    shown = new CallsInTransaction(metrics, log, { getDriver: () => driver } as EntityManager);
  });
  afterEach(() => {
    shown.onApplicationShutdown();
    metrics.onApplicationShutdown();
  });

  const happens = (at: string, more: Partial<CallInTransaction> = {}) =>
    callsInTransaction.publish({ call: 'rpc.contacts.find', at: [at], driver, ...more });

  it('are counted, and each call site is logged once', async () => {
    for (const at of ['here', 'there', 'here']) happens(at);
    expect(lines).toEqual(['here', 'there'].map((at) => ({ call: 'rpc.contacts.find', at: [at] })));
    expect(await metrics.render()).toContain('leaver_calls_in_transaction_total{call="rpc.contacts.find"} 3');
  });

  it('of another service in the same process are ignored', async () => {
    happens('here', { driver: {} });
    expect(lines).toEqual([]);
  });
});
