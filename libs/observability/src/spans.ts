import { Problem } from '#libs/contracts';
import { safeErrorFields } from './log.js';
import { currentContext, traceparent, runInContext } from './work-context.js';

export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal';

/** Names after OpenTelemetry's semantic conventions; ids, counts and codes, never anybody's data. */
export type SpanAttributes = Record<string, string | number>;

export interface SpanOptions {
  /** Of few different values: what is done, not to whom. */
  name: string;
  kind: SpanKind;
  attributes?: SpanAttributes;
  /** The `traceparent` of what has caused it; without one it begins a trace of its own. */
  parent?: string;
  /** The `traceparent`s of what has caused it besides. */
  links?: readonly string[];
}

/** A span that is being recorded, or that the sampler has left out but that is the parent of others nevertheless. */
export interface ActiveSpan {
  readonly traceparent: string;
  set(attributes: SpanAttributes): void;
  /** @param failure a code, where the span has failed */
  end(failure?: string): void;
}

export type Recorder = (span: SpanOptions) => ActiveSpan;

let recorder: Recorder | undefined;

/** From now on spans go there; without a recorder nothing is recorded. One for all services of a process. */
export function setSpanRecorder(by: Recorder | undefined): void {
  recorder = by;
}

export const isRecording = (): boolean => recorder !== undefined;

/** Nothing where traces are not recorded. Whoever begins a span has to end it. */
export function startSpan(span: SpanOptions): ActiveSpan | undefined {
  if (!recorder) return undefined;
  const { departureId } = currentContext();
  if (!departureId) return recorder(span);
  return recorder({ ...span, attributes: { ...span.attributes, 'leaver.departure.id': departureId } });
}

/** Does the work within a span of the trace at hand. Without a trace, or where none is recorded, it just does the work. */
export async function inSpan<T>(span: Omit<SpanOptions, 'parent'>, work: () => Promise<T>): Promise<T> {
  const parent = traceparent();
  const open = parent ? startSpan({ ...span, parent }) : undefined;
  return open ? withSpan(open, work) : work();
}

/** Does the work within a span and ends it. A refusal is no failure. */
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

/** Says what failed without quoting anything: one of our codes, a SQLSTATE, a system error or the error's class. */
export function errorCodeOf(error: unknown): string {
  const { code, error: name } = safeErrorFields(error);
  return code ?? name;
}
