import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { isUuid, receiptSubject, type Receipt, type ReceiptBatch } from '#libs/contracts';
import { BatchPattern, DEPARTURES, type Delivery, type Outcome } from '#libs/broker';
import { failpoint } from '#libs/jobs';
import { safeErrorFields, Log } from '#libs/observability';
import { logDepartures } from '#libs/lifecycle';
import { ReceiptFolding } from './receipt-folding.js';

/** Delay before the redelivery of receipts that could not be folded. */
const REDELIVERY_DELAY_MS = 5_000;
const OF_ANY_SERVICE = receiptSubject('*');

/** Consumes the receipts of the services. */
@Controller()
export class ReceiptsConsumer {
  constructor(
    private readonly em: EntityManager,
    private readonly folding: ReceiptFolding,
    private readonly log: Log,
  ) {}

  /** Receipts that could not be folded are redelivered, which is safe because folding is idempotent. */
  @BatchPattern({ stream: DEPARTURES, filter: OF_ANY_SERVICE, durable: 'identity-receipts' })
  async handle(deliveries: Delivery[]): Promise<Outcome[]> {
    const received = deliveries.map((delivery) => ({ service: senderOf(delivery), receipts: decode(delivery) }));
    const undecodable = received.filter(({ receipts }) => !receipts).length;
    if (undecodable > 0) this.log.error({ messages: undecodable }, 'discarded undecodable receipts');
    const byService = new Map(
      [...Map.groupBy(received, ({ service }) => service)].map(([service, messages]) => [
        service,
        messages.flatMap(({ receipts }) => receipts ?? []),
      ]),
    );
    const refused = await this.fold(byService);
    for (const [service, receipts] of byService) {
      if (refused.has(service)) continue;
      logDepartures(
        this.log,
        'a service has answered',
        receipts.flatMap((receipt) => answerOf(service, receipt)),
      );
    }
    return received.map(({ service, receipts }) => {
      if (!receipts) return { term: 'undecodable' };
      return refused.has(service) ? { nakAfterMs: REDELIVERY_DELAY_MS } : 'ack';
    });
  }

  /**
   * Folds all receipts in one transaction; if that fails, those of each service in a transaction of their own, so that one
   * service does not affect the others.
   * @returns the services whose receipts could not be folded
   */
  private async fold(byService: ReadonlyMap<string, readonly Receipt[]>): Promise<Set<string>> {
    const refused = new Set<string>();
    try {
      await failpoint('receipt.fold', () => this.em.fork().transactional(() => this.folding.foldAll(byService)));
    } catch (error) {
      if (byService.size === 1) throw error;
      for (const [service, receipts] of byService) {
        await this.em
          .fork()
          .transactional(() => this.folding.fold(service, receipts))
          .catch((fault: unknown) => {
            refused.add(service);
            this.log.warn(
              { from: service, receipts: receipts.length, ...safeErrorFields(fault) },
              'receipts could not be folded and will be redelivered',
            );
          });
      }
    }
    return refused;
  }
}

/** Receipts after a chunk are not logged. */
const answerOf = (service: string, { departureId, status, round, failure }: Receipt) =>
  departureId && status !== 'running' ? [{ departureId, from: service, status, round, ...failure }] : [];

/** The service according to the subject, which the broker restricts to that service. The content is not trusted. */
const senderOf = ({ subject }: Delivery): string => subject.slice(OF_ANY_SERVICE.length - 1);

function decode({ data }: Delivery): Receipt[] | undefined {
  try {
    const { receipts } = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data)) as ReceiptBatch;
    return Array.isArray(receipts) && receipts.every(isReceipt) ? receipts : undefined;
  } catch {
    return undefined;
  }
}

const STATUSES: readonly unknown[] = ['running', 'completed', 'failed', 'superseded'];

const isReceipt = (receipt: Receipt | null): boolean =>
  isUuid(receipt?.userId) &&
  (receipt?.departureId === undefined || isUuid(receipt.departureId)) &&
  Number.isSafeInteger(receipt?.seq) &&
  Number.isSafeInteger(receipt?.round) &&
  STATUSES.includes(receipt?.status) &&
  (receipt?.failure === undefined || typeof receipt.failure?.error === 'string') &&
  Array.isArray(receipt?.rules);
