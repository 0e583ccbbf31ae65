import { AsyncLocalStorage } from 'node:async_hooks';

/** What the work at hand belongs to. Log lines and spans show it, so it is ids and nothing else. */
export interface WorkContext {
  /** W3C trace context of the request or event that caused the work. */
  traceparent?: string;
  /** By which the client of the gateway knows its request. */
  requestId?: string;
  /** Only while one single departure is being dealt with. */
  departureId?: string;
}

const current = new AsyncLocalStorage<WorkContext>();

export const currentContext = (): WorkContext => current.getStore() ?? {};

/** The W3C `traceparent` of the request or event at hand, if it came with one. */
export const traceparent = (): string | undefined => current.getStore()?.traceparent;

/** Everything that `work` calls belongs to this, and to what its caller belongs to. */
export function runInContext<T>(more: WorkContext, work: () => T): T {
  return current.run({ ...current.getStore(), ...more }, work);
}

/** Everything that `work` calls belongs to this trace: its calls to other services and its events carry it on. */
export function withTraceparent<T>(value: string | undefined, work: () => T): T {
  return value ? runInContext({ traceparent: value }, work) : work();
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export const isTraceparent = (value: unknown): value is string => typeof value === 'string' && TRACEPARENT.test(value);

/** The id that all spans of a trace share. */
export const traceIdOf = (value: string): string => value.slice(3, 35);

/** By which the log lines of a request, an event or a departure are found. A new object every time. */
export function logContext(): { traceId?: string; requestId?: string; departureId?: string } {
  const { traceparent: trace, requestId, departureId } = currentContext();
  return {
    ...(trace && { traceId: traceIdOf(trace) }),
    ...(requestId && { requestId }),
    ...(departureId && { departureId }),
  };
}
