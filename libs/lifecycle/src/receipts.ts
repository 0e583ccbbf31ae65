import { Injectable } from '@nestjs/common';
import { receiptSubject, type Receipt, type ReceiptBatch } from '#libs/contracts';
import { DEPARTURES, Publisher } from '#libs/broker';
import { failpoint } from '#libs/jobs';
import { Ids } from '#libs/database';

/** Takes what a service has done to identity. */
export abstract class Receipts {
  /**
   * Sends after the commit. If a receipt of an event is lost, identity asks again by repeating the event.
   * @returns whether all have been sent
   */
  abstract send(receipts: readonly Receipt[]): Promise<boolean>;
}

const PER_MESSAGE = 100;

@Injectable()
export class PublishedReceipts extends Receipts {
  constructor(
    private readonly service: string,
    private readonly publisher: Publisher,
    private readonly ids: Ids,
  ) {
    super();
  }

  async send(receipts: readonly Receipt[]): Promise<boolean> {
    const batches: ReceiptBatch[] = [];
    for (let at = 0; at < receipts.length; at += PER_MESSAGE)
      batches.push({ service: this.service, receipts: receipts.slice(at, at + PER_MESSAGE) });
    const subject = receiptSubject(this.service);
    const messages = batches.map((batch) => ({ subject, id: this.ids.next(), data: JSON.stringify(batch) }));
    const results = await failpoint('receipt.send', () => this.publisher.publishAll(DEPARTURES, messages));
    return results.every((result) => typeof result === 'string');
  }
}
