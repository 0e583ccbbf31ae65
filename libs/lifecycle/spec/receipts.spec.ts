import { Publisher, type PublishResult } from '#libs/broker';
import type { Receipt } from '#libs/contracts';
import { Ids, SystemClock } from '#libs/database';
import { Log, Metrics } from '#libs/observability';
import { describe, expect, it } from '@jest/globals';
import { PublishedReceipts } from '../src/receipts.js';

const clock = new SystemClock();
const ids = new Ids(clock);

/** A broker that confirms the first message only. */
class UnreliablePublisher extends Publisher {
  override publishAll(_stream: unknown, messages: readonly unknown[]): Promise<PublishResult[]> {
    return Promise.resolve(messages.map((_, index) => (index === 0 ? 'stored' : { error: 'timeout' })));
  }
}

class Warnings extends Log {
  readonly written: [facts: object, message: string][] = [];
  debug(): void {}
  info(): void {}
  warn(facts: object, message: string): void {
    this.written.push([facts, message]);
  }
  error(): void {}
}

describe('receipts', () => {
  it('that the broker did not confirm are logged and counted', async () => {
    const log = new Warnings();
    const metrics = new Metrics(clock);
    const receipts = new PublishedReceipts('contacts', new UnreliablePublisher(undefined as never), ids, log, metrics);
    const receipt: Receipt = {
      accountId: ids.next(),
      userId: ids.next(),
      lifecycleVersion: 1,
      type: 'user.deactivated',
      seq: 1,
      round: 0,
      status: 'completed',
      rules: [],
    };
    await receipts.send(Array.from({ length: 150 }, () => receipt));
    expect(log.written).toEqual([[{ receipts: 50, code: 'timeout' }, 'the broker did not confirm receipts']]);
    expect(await metrics.render()).toContain('leaver_receipts_unconfirmed_total 50\n');
  });
});
