import type { Msg, MsgHdrs } from '@nats-io/transport-node';

/** One message of a batch, as a handler sees it. */
export interface Delivery {
  subject: string;
  data: Uint8Array;
  /** Position in the stream. */
  streamSequence: number;
  /** How often it has been delivered, this time included. */
  deliveries: number;
  headers?: MsgHdrs;
}

/** What becomes of a message: done, to be delivered again after a while, or never to be delivered again. */
export type Outcome = 'ack' | { nakAfterMs: number } | { term: string };

/** Almost every answer. */
const ACK = new TextEncoder().encode('+ACK');

/** A message as it came from the server, with the answers that JetStream understands. */
export class PendingDelivery implements Delivery {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly streamSequence: number;
  readonly deliveries: number;

  constructor(private readonly message: Msg) {
    this.subject = message.subject;
    this.data = message.data;
    // $JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.…, with domain and account before the stream from 2.12 on.
    const tokens = message.reply?.split('.') ?? [];
    const counters = tokens.length > 9 ? 6 : 4;
    this.deliveries = Number(tokens[counters]);
    this.streamSequence = Number(tokens[counters + 1]);
  }

  /** Read when somebody wants them. */
  get headers(): MsgHdrs | undefined {
    return this.message.headers;
  }

  /** Asks the server for as much time again. */
  working(): void {
    this.message.respond('+WPI');
  }

  acknowledge(outcome: Outcome): void {
    if (outcome === 'ack') this.message.respond(ACK);
    else if ('term' in outcome) this.message.respond(`+TERM ${outcome.term}`);
    else
      this.message.respond(
        outcome.nakAfterMs > 0 ? `-NAK ${JSON.stringify({ delay: Math.round(outcome.nakAfterMs * 1e6) })}` : '-NAK',
      );
  }
}
