import { Injectable } from '@nestjs/common';
import type { Receipt } from '#libs/contracts';
import { Outbox } from '#libs/outbox';
import { Catalogue } from '../../catalogue/catalogue.js';
import { linesOf } from '../../catalogue/dropped-rules.js';
import { DepartureAnswers, type StateChange } from '../store/departure-answers.js';
import { isOlder, newestOf, withRemaining, type ServiceState } from '../store/receipt-lines.js';
import { ServiceStates } from '../store/service-states.js';

const stateKey = (departureId: string, service: string): string => `${departureId} ${service}`;

/** Folds receipts into their departures, in the caller's transaction. Folding is idempotent. */
@Injectable()
export class ReceiptFolding {
  constructor(
    private readonly answers: DepartureAnswers,
    private readonly states: ServiceStates,
    private readonly outbox: Outbox,
    private readonly catalogue: Catalogue,
  ) {}

  /** Folds the receipts of one service. Old and repeated receipts, and receipts of unknown departures, change nothing. */
  fold(service: string, receipts: readonly Receipt[]): Promise<void> {
    return this.foldAll(new Map([[service, receipts]]));
  }

  /** Folds receipts of several services. A departure that several of them answer is written once. */
  async foldAll(answers: ReadonlyMap<string, readonly Receipt[]>): Promise<void> {
    const received = await this.withDroppedRules(answers);
    const newest = [...received].flatMap(([service, receipts]) =>
      [...newestOf(receipts.filter((receipt) => receipt.departureId))].map(([id, receipt]) => ({
        id,
        service,
        receipt,
      })),
    );
    const departures = await this.answers.lock([...new Set(newest.map(({ id }) => id))]);
    const rows = await this.states.of([...departures.keys()], [...received.keys()]);
    const states = new Map(rows.map((row) => [stateKey(row.departure_id, row.service), row]));
    const changes = newest.flatMap(({ id, service, receipt }): StateChange[] => {
      const known = states.get(stateKey(id, service));
      if (!known || receipt.userId !== departures.get(id)!.user_id || isOlder(receipt, known)) return [];
      return [{ known, next: stateAfter(known, receipt) }];
    });
    await this.acknowledge(received);
    await this.answers.record(changes);
  }

  /**
   * The answer of a service that has dropped rules is not complete until an operator confirms that they end. It is not
   * acknowledged, so the service is asked again.
   */
  private async withDroppedRules(
    received: ReadonlyMap<string, readonly Receipt[]>,
  ): Promise<ReadonlyMap<string, readonly Receipt[]>> {
    const dropped = await this.catalogue.dropped([...received.keys()]);
    if (dropped.size === 0) return received;
    const completed = (service: string, receipt: Receipt): Receipt => {
      const owed = receipt.departureId ? linesOf(dropped.get(service) ?? [], receipt.type) : [];
      if (receipt.status !== 'completed' || owed.length === 0) return receipt;
      return { ...receipt, status: 'running', rules: [...receipt.rules, ...owed] };
    };
    return new Map(
      [...received].map(([service, receipts]) => [service, receipts.map((receipt) => completed(service, receipt))]),
    );
  }

  /** A failed service has answered, too: it gets the event again only after a manager retries the departure. */
  private async acknowledge(received: ReadonlyMap<string, readonly Receipt[]>): Promise<void> {
    const answers = [...received].flatMap(([service, receipts]) =>
      receipts
        .filter((receipt) => receipt.status !== 'running')
        .map(({ userId, seq, round }) => ({ userId, seq, service, round })),
    );
    await this.outbox.acknowledge(answers);
  }
}

function stateAfter(known: ServiceState, { status, error, failure, round, rules }: Receipt): ServiceState {
  return {
    ...known,
    status,
    error: error ?? null,
    failure: failure ?? null,
    round,
    rules: withRemaining(rules, known.rules),
  };
}
