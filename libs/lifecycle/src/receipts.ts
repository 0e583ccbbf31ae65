import { Injectable } from '@nestjs/common';
import { receiptSubject, type Receipt, type ReceiptBatch } from '#libs/contracts';
import { DEPARTURES, Publisher } from '#libs/broker';
import { failpoint } from '#libs/jobs';
import { Ids } from '#libs/database';
import { Log, Metrics } from '#libs/observability';

/** Sends a service's receipts to identity. */
export abstract class Receipts {
  /**
   * Call after the commit. If a receipt is lost, identity publishes the event again and gets a new one.
   * @returns whether all receipts have been sent
   */
  abstract send(receipts: readonly Receipt[]): Promise<boolean>;
}

const PER_MESSAGE = 100;
/** Characters. The broker takes messages of a megabyte, and a receipt can name many receivers. */
const MOST_CHARACTERS = 400_000;

@Injectable()
export class PublishedReceipts extends Receipts {
  private readonly unconfirmed;

  constructor(
    private readonly service: string,
    private readonly publisher: Publisher,
    private readonly ids: Ids,
    private readonly log: Log,
    metrics: Metrics,
  ) {
    super();
    this.unconfirmed = metrics.counter(
      'leaver_receipts_unconfirmed_total',
      'Receipts that the broker did not confirm. Identity asks for them again.',
    );
  }

  async send(receipts: readonly Receipt[]): Promise<boolean> {
    const batches = batchesOf(receipts).map((some): ReceiptBatch => ({ service: this.service, receipts: some }));
    const subject = receiptSubject(this.service);
    const messages = batches.map((batch) => ({ subject, id: this.ids.next(), data: JSON.stringify(batch) }));
    const results = await failpoint('receipt.send', () => this.publisher.publishAll(DEPARTURES, messages));
    const failure = results.find((result) => typeof result === 'object');
    if (!failure) return true;
    const failed = batches.filter((_, index) => typeof results[index] === 'object');
    const count = failed.reduce((sum, batch) => sum + batch.receipts.length, 0);
    this.unconfirmed.inc(count);
    this.log.warn({ receipts: count, code: failure.error }, 'the broker did not confirm receipts');
    return false;
  }
}

function batchesOf(receipts: readonly Receipt[]): Receipt[][] {
  const batches: Receipt[][] = [];
  let characters = 0;
  for (const receipt of receipts) {
    const size = JSON.stringify(receipt).length;
    const last = batches.at(-1);
    if (last && last.length < PER_MESSAGE && characters + size <= MOST_CHARACTERS) {
      last.push(receipt);
      characters += size;
    } else {
      batches.push([receipt]);
      characters = size;
    }
  }
  return batches;
}
