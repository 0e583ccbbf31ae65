import { headers, type NatsConnection } from '@nats-io/transport-node';
import { Inject, Injectable } from '@nestjs/common';
import { CALL_SIGNATURE, CallSigner, NATS } from '#libs/broker';
import { SESSION_ENDS_SUBJECT, type SessionEndsMessage } from '#libs/contracts';

/** Publishes messages about ended sessions, signed like a call: nobody else can claim that there are no others. */
@Injectable()
export class SessionEndMessages {
  constructor(
    @Inject(NATS) private readonly nats: NatsConnection,
    private readonly signer: CallSigner,
  ) {}

  publish(message: SessionEndsMessage): void {
    const packet = JSON.stringify(message);
    const all = headers();
    all.set(CALL_SIGNATURE, this.signer.sign({ subject: SESSION_ENDS_SUBJECT, packet, authorization: '' }));
    this.nats.publish(SESSION_ENDS_SUBJECT, packet, { headers: all });
  }
}
