import type { Call, Operation } from '#libs/contracts';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import 'reflect-metadata';

/**
 * Returned by a handler when something has changed since its preparation: the transaction is rolled back, and the call
 * is prepared and handled again.
 */
export const PREPARE_AGAIN: unique symbol = Symbol('leaver:prepare-again');
export type PrepareAgain = typeof PREPARE_AGAIN;

/** The result of the preparation `M`, which the handler receives. */
export type Prepared<M extends (...args: never[]) => unknown> = Awaited<ReturnType<M>>;

const PREPARATIONS = Symbol('leaver:preparations');
const prepared = new WeakMap<object, unknown>();

type Preparation<B extends object, Q extends object> = (call: Call<B, Q>) => Promise<unknown>;

/**
 * Makes the method run before the operation's handler and outside of its transaction. It may call other services but
 * writes nothing. The handler receives its result as second parameter, makes no calls, and checks under its locks what
 * may have changed since. A repeated call with an idempotency key is not prepared: it gets its first answer.
 */
export function Prepares<B extends object, Q extends object, A>(operation: Operation<B, Q, A>) {
  if (operation.method === 'GET')
    throw new TypeError(`${operation.id} is read-only: it has no transaction to prepare for`);
  return <T extends Preparation<B, Q>>(
    target: object,
    method: string | symbol,
    _descriptor: TypedPropertyDescriptor<T>,
  ): void => {
    const others = Reflect.getMetadata(PREPARATIONS, target) as Record<string, string | symbol> | undefined;
    Reflect.defineMetadata(PREPARATIONS, { ...others, [operation.id]: method }, target);
  };
}

/** The preparation of this operation; undefined if there is none. */
export function preparationOf(
  controller: object,
  operation: Operation,
): ((call: Call) => Promise<unknown>) | undefined {
  const methods = Reflect.getMetadata(PREPARATIONS, controller) as Record<string, string | symbol> | undefined;
  const method = methods?.[operation.id];
  if (method === undefined) return undefined;
  return (call) => (controller as Record<string | symbol, (call: Call) => Promise<unknown>>)[method]!(call);
}

/**
 * Stores the value that the handler receives as second parameter.
 * @param context the transport's context; each message has its own
 */
export const setPrepared = (context: object, value: unknown): void => void prepared.set(context, value);

export const PreparedParam = createParamDecorator((_data: unknown, context: ExecutionContext) =>
  prepared.get(context.switchToRpc().getContext<object>()),
);
