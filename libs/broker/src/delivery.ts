import type { Msg, MsgHdrs } from '@nats-io/transport-node';

/** One message of a batch, as a handler sees it. */
export interface Delivery {
  subject: string;
  data: Uint8Array;
  /** Position in the stream. */
  streamSequence: number;
  /** Number of deliveries, including this one. */
  deliveries: number;
  headers?: MsgHdrs;
}

/** The outcome of a message: done, to be redelivered after a delay, or never to be redelivered. */
export type Outcome = 'ack' | { nakAfterMs: number } | { term: string };

/** The usual acknowledgement, encoded once. */
const ACK = new TextEncoder().encode('+ACK');

/** A message as received from the server, with JetStream's acknowledgements. */
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

  /** Parsed on demand. */
  get headers(): MsgHdrs | undefined {
    return this.message.headers;
  }

  /** Extends the ack deadline. */
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
