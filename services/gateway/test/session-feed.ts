import { SESSION_ENDS_SUBJECT, type SessionEnds, type SessionEndsMessage } from '#libs/contracts';
import { CALL_SIGNATURE } from '#libs/broker';
import { signerOf } from '#libs/platform/testing';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { randomUUID } from 'node:crypto';

const BEAT_MS = 100;

/** Publishes ended sessions as identity does. */
export class SessionFeed {
  private feed = randomUUID();
  private number = 0;
  private timer?: NodeJS.Timeout;
  private readonly signer = signerOf('identity');

  constructor(private readonly nats: NatsConnection) {
    this.resume();
  }

  publish({ epochs = [], sessions = [] }: Partial<SessionEnds>, publishedUntil = Date.now()): void {
    const { feed } = this;
    const message: SessionEndsMessage = {
      epochs,
      sessions,
      position: { feed, number: ++this.number, publishedUntil },
      ...(epochs.length + sessions.length > 0 && { endedAt: publishedUntil }),
    };
    if (this.nats.isClosed()) return;
    const packet = JSON.stringify(message);
    const all = headers();
    all.set(CALL_SIGNATURE, this.signer.sign({ subject: SESSION_ENDS_SUBJECT, packet, authorization: '' }));
    this.nats.publish(SESSION_ENDS_SUBJECT, packet, { headers: all });
  }

  /** A message that no subscriber receives. */
  lose(): void {
    this.number++;
  }

  /** Another replica of identity takes over. */
  startAgain(): void {
    this.feed = randomUUID();
    this.number = 0;
  }

  pause(): void {
    clearInterval(this.timer);
  }

  resume(): void {
    this.timer = setInterval(() => this.publish({}), BEAT_MS);
  }
}
