import { Publisher, type PublishResult } from '#libs/broker';
import type { Receipt, ReceiptBatch } from '#libs/contracts';
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

/** A broker that confirms everything. */
class RecordingPublisher extends Publisher {
  readonly sizes: number[] = [];
  readonly receipts: Receipt[] = [];

  override publishAll(_stream: unknown, messages: readonly { data: string | Uint8Array }[]): Promise<PublishResult[]> {
    for (const message of messages) {
      const data = String(message.data);
      this.sizes.push(data.length);
      this.receipts.push(...(JSON.parse(data) as ReceiptBatch).receipts);
    }
    return Promise.resolve(messages.map(() => 'stored'));
  }
}

const aReceipt = (): Receipt => ({
  accountId: ids.next(),
  userId: ids.next(),
  lifecycleVersion: 1,
  type: 'user.deactivated',
  seq: 1,
  round: 0,
  status: 'completed',
  rules: [],
});

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
    const receipt = aReceipt();
    await receipts.send(Array.from({ length: 150 }, () => receipt));
    expect(log.written).toEqual([[{ receipts: 50, code: 'timeout' }, 'the broker did not confirm receipts']]);
    expect(await metrics.render()).toContain('leaver_receipts_unconfirmed_total 50\n');
  });

  it('that name many receivers are published in messages that the broker takes', async () => {
    const broker = new RecordingPublisher(undefined as never);
    const receipts = new PublishedReceipts('contacts', broker, ids, new Warnings(), new Metrics(clock));
    const receivers = Array.from({ length: 200 }, () => ({ userId: ids.next(), affected: 1 }));
    const facts = { rule: 'contacts.records', transition: 'deactivated', action: 'transfer', affected: 200 } as const;
    const rules = Array.from({ length: 6 }, () => ({ ...facts, receivers, remaining: null, finishedAt: null }));
    const sent = Array.from({ length: 20 }, () => ({ ...aReceipt(), rules }));
    expect(await receipts.send(sent)).toBe(true);
    expect(broker.sizes.length).toBeGreaterThan(1);
    expect(Math.max(...broker.sizes)).toBeLessThan(500_000);
    expect(broker.receipts).toEqual(sent);
  });
});
