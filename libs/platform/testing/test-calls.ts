import { CallSigner, closeNats, connectNats, ServiceClient, ServiceKeys, type CallArguments } from '#libs/broker';
import { GATEWAY, NOBODY, RULE_OWNERS, SERVICES, type Ask, type Operation, type Principal } from '#libs/contracts';
import { serviceKeys } from '#libs/test-kit';
import type { NatsConnection } from '@nats-io/transport-node';
import { randomUUID } from 'node:crypto';

/** A client that signs as this service. */
export const clientOf = (nats: NatsConnection, name: string): ServiceClient => new ServiceClient(nats, signerOf(name));

/** Signs calls with the key that this service has in tests. */
export function signerOf(name: string): CallSigner {
  const { SERVICE_KEY, SERVICE_PUBLIC_KEYS } = serviceKeys(name);
  const keys = ServiceKeys.of(name, SERVICE_KEY, JSON.parse(SERVICE_PUBLIC_KEYS) as Record<string, string>);
  return new CallSigner(keys, randomUUID());
}

/** Calls services as those do that may: operations as the gateway, with a token for any principal. */
export class TestCalls {
  private readonly clients = new Map<string, ServiceClient>();

  private constructor(
    private readonly nats: NatsConnection,
    private readonly signed: (principal: Principal) => Promise<Principal>,
  ) {}

  /** @param signed returns the principal with a token that the called service accepts */
  static async connect(brokerUrl: string, signed: (principal: Principal) => Promise<Principal>): Promise<TestCalls> {
    return new TestCalls(await connectNats({ url: brokerUrl, name: 'test-calls' }), signed);
  }

  async call<B extends object, Q extends object, A>(
    operation: Operation<B, Q, A>,
    call: CallArguments<B, Q>,
  ): Promise<A> {
    const principal = await this.signed(call.principal);
    return this.client(GATEWAY).call(operation, { ...call, principal });
  }

  async ask<Request, Answer>(ask: Ask<Request, Answer>, request: Request): Promise<Answer> {
    const { accountId, userId } = request as { accountId?: string; userId?: string };
    const behalf = ask.onBehalf ? { accountId: accountId!, userId: userId!, roles: ['agent'] as const } : NOBODY;
    return this.client(callerOf(ask)).ask(ask, request, await this.signed(behalf));
  }

  close(): Promise<void> {
    return closeNats(this.nats);
  }

  private client(name: string): ServiceClient {
    const known = this.clients.get(name) ?? clientOf(this.nats, name);
    this.clients.set(name, known);
    return known;
  }
}

/** A service that may send the request. */
function callerOf({ calledBy }: Ask<never, unknown>): string {
  const [first = GATEWAY] = calledBy;
  if (first === RULE_OWNERS) return 'messaging';
  return first === SERVICES ? GATEWAY : first;
}
