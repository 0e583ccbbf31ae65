import { AUTHORIZATION, connectNats } from '#libs/broker';
import { NOBODY, Problem, type Ask, type Call, type Operation, type Principal, type Role } from '#libs/contracts';
import { decodeJwt } from 'jose';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';

type Answer<Input> = (input: Input) => unknown;

/** Fake services on a real broker: each test sets their answers and inspects the requests they received. */
export class StandIns {
  private readonly subscriptions = new Map<string, Subscription>();

  private constructor(readonly nats: NatsConnection) {}

  static async connect(url: string): Promise<StandIns> {
    return new StandIns(await connectNats({ url, name: 'stand-ins' }));
  }

  /** Sets the answer of an operation. @returns the calls received from now on; the list grows */
  handle<B extends object, Q extends object, A>(
    operation: Operation<B, Q, A>,
    answer: Answer<Call<B, Q>>,
  ): Call<B, Q>[] {
    return this.on(operation.subject, answer, (message) => ({ principal: principalOf(message) ?? NOBODY }));
  }

  /** Sets the answer of an internal request. @returns the requests received from now on; the list grows */
  answer<Request, Reply>(ask: Ask<Request, Reply>, answer: (request: Request) => Reply | Promise<Reply>): Request[] {
    return this.on(ask.subject, answer);
  }

  fallSilent({ subject }: { subject: string }): void {
    this.subscriptions.get(subject)?.unsubscribe();
  }

  /**
   * Waits until the broker knows of every subscription; otherwise a request on another connection could overtake it.
   */
  settled(): Promise<void> {
    return this.nats.flush();
  }

  close(): Promise<void> {
    return this.nats.close();
  }

  /** @param derived what a service derives from the message, and never reads from it */
  private on<Input>(subject: string, answer: Answer<Input>, derived: (message: Msg) => object = () => ({})): Input[] {
    const received: Input[] = [];
    this.fallSilent({ subject });
    const callback = (_error: unknown, message: Msg) => {
      const { data } = message.json<{ data: Input }>();
      Object.assign(data as object, derived(message));
      received.push(data);
      void reply(message, () => answer(data));
    };
    this.subscriptions.set(subject, this.nats.subscribe(subject, { callback }));
    return received;
  }
}

/** As a service derives it from the token, which it also verifies. */
function principalOf({ headers }: Msg): Principal | undefined {
  const token = /^Bearer (.+)$/.exec(headers?.get(AUTHORIZATION) ?? '')?.[1];
  if (!token) return undefined;
  const { sub, acc, roles, sid } = decodeJwt<{ acc: string; roles: Role[]; sid?: string }>(token);
  return { accountId: acc, userId: sub!, roles, ...(sid !== undefined && { sessionId: sid }) };
}

async function reply(message: Msg, work: () => unknown): Promise<void> {
  try {
    message.respond(JSON.stringify({ response: await work(), isDisposed: true, id: '0' }));
  } catch (error) {
    const problem = error instanceof Problem ? error : new Problem('internal');
    message.respond(JSON.stringify({ err: problem.toBody(), isDisposed: true, id: '0' }));
  }
}
