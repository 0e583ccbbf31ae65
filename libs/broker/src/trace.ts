import { AsyncLocalStorage } from 'node:async_hooks';

const current = new AsyncLocalStorage<string>();

/** The W3C `traceparent` of the request at hand, if it came with one. */
export const traceparent = (): string | undefined => current.getStore();

/** Everything that `work` calls belongs to this trace: its calls to other services and its events carry it on. */
export function withTraceparent<T>(value: string | undefined, work: () => T): T {
  return value ? current.run(value, work) : work();
}
