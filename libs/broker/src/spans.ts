import { Problem } from '#libs/contracts';
import { faultOf } from './log.js';
import { belonging, traceparent, within } from './trace.js';

export type SpanKind = 'server' | 'client' | 'producer' | 'consumer' | 'internal';

/** Names after OpenTelemetry's semantic conventions; ids, counts and codes, never anybody's data. */
export type SpanAttributes = Record<string, string | number>;

export interface NewSpan {
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
export interface OpenSpan {
  readonly traceparent: string;
  set(attributes: SpanAttributes): void;
  /** @param failure a code, where the span has failed */
  end(failure?: string): void;
}

export type Recorder = (span: NewSpan) => OpenSpan;

let recorder: Recorder | undefined;

/** From now on spans go there; without a recorder nothing is recorded. One for all services of a process. */
export function recordSpans(by: Recorder | undefined): void {
  recorder = by;
}

export const isRecording = (): boolean => recorder !== undefined;

/** Nothing where traces are not recorded. Whoever begins a span has to end it. */
export function beginSpan(span: NewSpan): OpenSpan | undefined {
  if (!recorder) return undefined;
  const { departureId } = belonging();
  if (!departureId) return recorder(span);
  return recorder({ ...span, attributes: { ...span.attributes, 'leaver.departure.id': departureId } });
}

/** Does the work within a span of the trace at hand. Without a trace, or where none is recorded, it just does the work. */
export async function inSpan<T>(span: Omit<NewSpan, 'parent'>, work: () => Promise<T>): Promise<T> {
  const parent = traceparent();
  const open = parent ? beginSpan({ ...span, parent }) : undefined;
  return open ? throughout(open, work) : work();
}

/** Does the work within a span and ends it. A refusal is no failure. */
export async function throughout<T>(span: OpenSpan, work: () => Promise<T>): Promise<T> {
  try {
    const result = await within({ traceparent: span.traceparent }, work);
    span.end();
    return result;
  } catch (error) {
    if (error instanceof Problem && error.status < 500) {
      span.set({ 'rpc.status_code': error.code });
      span.end();
    } else span.end(failureOf(error));
    throw error;
  }
}

/** Says what failed without quoting anything: one of our codes, a SQLSTATE, a system error or the error's class. */
export function failureOf(error: unknown): string {
  const { code, error: name } = faultOf(error);
  return code ?? name;
}
