import { AUTHORIZATION, CALL_SIGNATURE, connectNats, type CallSigner } from '#libs/broker';
import type { ProblemBody } from '#libs/contracts';
import { signerOf } from '#libs/platform/testing';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import type { System } from '../support/system.js';

/** What a message on the broker claims. What is left out is as in a genuine call of the gateway. */
export interface Attempt {
  data?: unknown;
  /** Whose key signs; null: nobody. */
  signedBy?: string | null;
  /** The name that the signature claims, if it is another one. */
  as?: string;
  /** The subject, packet or token that was signed, if it is another one. */
  signed?: { subject?: string; packet?: string; authorization?: string };
  /** Milliseconds since 1970. */
  signedAt?: number;
  token?: string;
}

/** Sends messages to services with the credentials of one of the broker's users. */
export class RawCaller {
  private readonly signers = new Map<string, CallSigner>();

  private constructor(private readonly nats: NatsConnection) {}

  static async connect(system: System, user: string): Promise<RawCaller> {
    return new RawCaller(await connectNats({ url: system.brokerUrl(user), name: `raw ${user}` }));
  }

  /** A message with its headers, to be sent once or several times. */
  message(subject: string, { data = {}, signedBy = 'gateway', as, signed, signedAt, token }: Attempt = {}) {
    const packet = JSON.stringify({ pattern: subject, data, id: '0' });
    const authorization = token ? `Bearer ${token}` : '';
    const all = headers();
    if (authorization) all.set(AUTHORIZATION, authorization);
    if (signedBy !== null) {
      const signature = this.signer(signedBy).sign({ subject, packet, authorization, ...signed }, signedAt);
      all.set(CALL_SIGNATURE, as ? signature.replace(`.${signedBy}.`, `.${as}.`) : signature);
    }
    return { subject, packet, headers: all };
  }

  /** @returns `ok`, the code of the problem with the reason, or `broker` if the broker refuses the message */
  async send({ subject, packet, headers }: ReturnType<RawCaller['message']>): Promise<string> {
    const options = { timeout: 10_000, headers };
    const answer = await this.nats.request(subject, packet, options).catch((error: Error) => error);
    if (answer instanceof Error)
      return /permissions violation/i.test(`${answer.message} ${String(answer.cause)}`) ? 'broker' : answer.message;
    const { err } = answer.json<{ err?: ProblemBody }>();
    if (!err) return 'ok';
    const reason = /\((.*)\)/.exec(err.detail ?? '')?.[1];
    return reason ? `${err.code} ${reason}` : err.code;
  }

  try(subject: string, attempt?: Attempt): Promise<string> {
    return this.send(this.message(subject, attempt));
  }

  close(): Promise<void> {
    return this.nats.close();
  }

  private signer(name: string): CallSigner {
    const known = this.signers.get(name) ?? signerOf(name);
    this.signers.set(name, known);
    return known;
  }
}
