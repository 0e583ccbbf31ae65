import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * The request, event or departure that the current work belongs to. Logs and spans show it, so it contains only ids.
 */
export interface WorkContext {
  /** W3C trace context of the request or event that caused the work. */
  traceparent?: string;
  /** The request id that the gateway returned to the client. */
  requestId?: string;
  /** Set only while a single departure is processed. */
  departureId?: string;
}

const current = new AsyncLocalStorage<WorkContext>();

export const currentContext = (): WorkContext => current.getStore() ?? {};

/** The W3C `traceparent` of the current request or event, if any. */
export const traceparent = (): string | undefined => current.getStore()?.traceparent;

/** Runs `work` in the current context, extended by these ids. */
export function runInContext<T>(more: WorkContext, work: () => T): T {
  return current.run({ ...current.getStore(), ...more }, work);
}

/** Runs `work` in this trace: calls to other services and events carry it on. */
export function withTraceparent<T>(value: string | undefined, work: () => T): T {
  return value ? runInContext({ traceparent: value }, work) : work();
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

export const isTraceparent = (value: unknown): value is string => typeof value === 'string' && TRACEPARENT.test(value);

/** The id that all spans of a trace share. */
export const traceIdOf = (value: string): string => value.slice(3, 35);

/** The ids by which the log lines of a request, an event or a departure are found. Returns a new object each time. */
export function logContext(): { traceId?: string; requestId?: string; departureId?: string } {
  const { traceparent: trace, requestId, departureId } = currentContext();
  return {
    ...(trace && { traceId: traceIdOf(trace) }),
    ...(requestId && { requestId }),
    ...(departureId && { departureId }),
  };
}
