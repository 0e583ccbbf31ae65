import { Problem } from '#libs/contracts';
import { safeErrorFields } from './log.js';
import { currentContext, traceparent, runInContext } from './work-context.js';

export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal';

/**
 * Attributes named after OpenTelemetry's semantic conventions. Values are ids, counts and codes, never personal data.
 */
export type SpanAttributes = Record<string, string | number>;

export interface SpanOptions {
  /** Low cardinality: the kind of work, not the record it is about. */
  name: string;
  kind: SpanKind;
  attributes?: SpanAttributes;
  /** The `traceparent` of the cause. Without one the span begins a new trace. */
  parent?: string;
  /** The `traceparent`s of further causes. */
  links?: readonly string[];
}

/** A span that is being recorded. It may also be one that the sampler dropped, which still has children. */
export interface ActiveSpan {
  readonly traceparent: string;
  set(attributes: SpanAttributes): void;
  /** @param failure an error code, if the work failed */
  end(failure?: string): void;
}

export type Recorder = (span: SpanOptions) => ActiveSpan;

let recorder: Recorder | undefined;

/** Sets the recorder for all services of the process. Without a recorder nothing is recorded. */
export function setSpanRecorder(by: Recorder | undefined): void {
  recorder = by;
}

export const isRecording = (): boolean => recorder !== undefined;

/** Starts a span, or returns undefined if traces are not recorded. The caller must end it. */
export function startSpan(span: SpanOptions): ActiveSpan | undefined {
  if (!recorder) return undefined;
  const { departureId } = currentContext();
  if (!departureId) return recorder(span);
  return recorder({ ...span, attributes: { ...span.attributes, 'leaver.departure.id': departureId } });
}

/** Runs `work` in a span of the current trace, or directly if there is no trace or nothing is recorded. */
export async function inSpan<T>(span: Omit<SpanOptions, 'parent'>, work: () => Promise<T>): Promise<T> {
  const parent = traceparent();
  const open = parent ? startSpan({ ...span, parent }) : undefined;
  return open ? withSpan(open, work) : work();
}

/** Runs `work` in the span and ends it. A Problem below 500 does not count as a failure. */
export async function withSpan<T>(span: ActiveSpan, work: () => Promise<T>): Promise<T> {
  try {
    const result = await runInContext({ traceparent: span.traceparent }, work);
    span.end();
    return result;
  } catch (error) {
    if (error instanceof Problem && error.status < 500) {
      span.set({ 'rpc.status_code': error.code });
      span.end();
    } else span.end(errorCodeOf(error));
    throw error;
  }
}

/** An error code without quoted data: one of our codes, a SQLSTATE, a system error or the error's class. */
export function errorCodeOf(error: unknown): string {
  const { code, error: name } = safeErrorFields(error);
  return code ?? name;
}
