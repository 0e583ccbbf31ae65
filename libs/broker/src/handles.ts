import { takesIdempotencyKey, type Ask, type Call, type Operation } from '#libs/contracts';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { MessagePattern, Payload, Transport, type NatsContext } from '@nestjs/microservices';
import 'reflect-metadata';
import { PreparedParam, type PrepareAgain } from './prepares.js';

/** Metadata of a message handler, read by the platform's interceptor. */
export interface HandlerMetadata {
  operation?: Operation;
  ask?: Ask<never, unknown>;
  /** Whether the call runs inside one database transaction. */
  transaction: boolean;
  /**
   * Why the call uses rows of several accounts, or of one that it has to find first. Without a reason PostgreSQL shows it only
   * the rows of the caller's account.
   */
  acrossAccounts?: string;
}

type Scope = Pick<HandlerMetadata, 'acrossAccounts'>;

const METADATA = Symbol('leaver:handler');

/** The metadata that `@Handles` or `@Answers` has set on a method; undefined for any other method. */
export const handlerMetadata = (method: object): HandlerMetadata | undefined =>
  Reflect.getOwnMetadata(METADATA, method);

type Answer<A> = A extends undefined ? void : A;
/** The second parameter is the result of the operation's `@Prepares` method. */
type Method<Input, Output> = (input: Input, prepared: never) => Output | PrepareAgain | Promise<Output | PrepareAgain>;
type Decorate<Input, Output> = <T extends Method<Input, Output>>(
  target: object,
  method: string | symbol,
  descriptor: TypedPropertyDescriptor<T>,
) => void;

/**
 * Makes the method handle calls of this operation. Unless told otherwise, operations that change something (any method
 * except GET) run inside one database transaction.
 * @throws TypeError if the operation honours idempotency keys and has no transaction to record them in, or if it has no
 * caller and no reason to use the rows of all accounts
 */
export function Handles<B extends object, Q extends object, A>(
  operation: Operation<B, Q, A>,
  { transaction = operation.method !== 'GET', acrossAccounts }: { transaction?: boolean } & Scope = {},
): Decorate<Call<B, Q>, Answer<A>> {
  if (takesIdempotencyKey(operation) && !transaction)
    throw new TypeError(`${operation.id} needs a transaction, or a declared reason why it ignores Idempotency-Key`);
  if (operation.access === 'public' && acrossAccounts === undefined)
    throw new TypeError(`${operation.id} has no caller whose account it is for: say why it works across accounts`);
  return register(operation.subject, { operation, transaction, acrossAccounts });
}

/**
 * Makes the method answer requests from other services. It runs without a transaction, for the account in the field
 * `accountId` of the request, unless it works across accounts.
 */
export function Answers<Request, Reply>(
  ask: Ask<Request, Reply>,
  { acrossAccounts }: Scope = {},
): Decorate<Request, Reply> {
  return register(ask.subject, { ask, transaction: false, acrossAccounts });
}

/**
 * Like `Answers`, for a subject that ends in `*`. The method receives the last part of the subject as its second parameter:
 * the name of the sender. The call is signed by that service, and the broker's permissions let only that service publish on
 * the subject.
 */
export function AnswersEach<Request, Reply>(ask: Ask<Request, Reply>, { acrossAccounts }: Scope = {}) {
  return <T extends (request: Request, sender: string) => Promise<Reply>>(
    target: object,
    method: string | symbol,
    descriptor: TypedPropertyDescriptor<T>,
  ): void => {
    const facts: HandlerMetadata = { ask, transaction: false, acrossAccounts };
    MessagePattern<string>(ask.subject, Transport.NATS, facts)(target, method, descriptor);
    Payload()(target, method, 0);
    SenderParam()(target, method, 1);
    Reflect.defineMetadata(METADATA, facts, descriptor.value as object);
  };
}

const SenderParam = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  context.switchToRpc().getContext<NatsContext>().getSubject().split('.').at(-1),
);

function register<Input, Output>(subject: string, facts: HandlerMetadata): Decorate<Input, Output> {
  const pattern = MessagePattern<string>(subject, Transport.NATS, facts);
  return (target, method, descriptor) => {
    pattern(target, method, descriptor);
    if (descriptor.value!.length > 1) {
      Payload()(target, method, 0);
      PreparedParam()(target, method, 1);
    }
    Reflect.defineMetadata(METADATA, facts, descriptor.value as object);
  };
}
