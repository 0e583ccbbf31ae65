import type { Delivery } from './delivery.js';
import type { MessageToPublish } from './message.js';
import {
  startSpan,
  isRecording,
  withSpan,
  type ActiveSpan,
  type SpanAttributes,
  isTraceparent,
  traceIdOf,
  traceparent,
  withTraceparent,
} from '#libs/observability';

export interface Sending {
  message: MessageToPublish;
  span?: ActiveSpan;
}

/** Returns the message with a `traceparent` header: its own or that of the current work. */
export function withSpanHeaders(stream: string, message: MessageToPublish): Sending {
  const own = message.headers?.traceparent;
  const cause = own ?? traceparent();
  if (!cause) return { message };
  const span = isRecording() ? beginSend(stream, message, cause) : undefined;
  if (own && !span) return { message };
  return { message: { ...message, headers: { ...message.headers, traceparent: span?.traceparent ?? cause } }, span };
}

function beginSend(stream: string, { subject, id }: MessageToPublish, parent: string): ActiveSpan | undefined {
  const kind = kindOf(subject);
  const attributes = { ...facts('send', stream, kind), 'messaging.message.id': id };
  return startSpan({ name: `send ${kind}`, kind: 'producer', parent, attributes });
}

/**
 * Handles a batch within a trace. If all messages share a trace, it continues. Messages of several traces are handled
 * in a new trace, linked with theirs in both directions, because each statement serves all of them.
 */
export async function handling<T>(
  { stream, durable }: { stream: string; durable: string },
  batch: readonly Delivery[],
  work: () => Promise<T>,
): Promise<T> {
  if (!isRecording()) return withTraceparent(sharedCause(batch), work);
  const causes = new Map(batch.map((delivery) => [causeOf(delivery), delivery.subject]));
  const shared = sharedCause(batch);
  const traced = [...causes.keys()].filter((cause) => cause !== undefined);
  if (traced.length === 0) return work();
  const kinds = new Set(batch.map(({ subject }) => kindOf(subject)));
  const kind = kinds.size === 1 ? [...kinds][0]! : stream;
  const attributes = {
    ...facts('process', stream, kind),
    'messaging.consumer.group.name': durable,
    'messaging.batch.message_count': batch.length,
  };
  const links = traced.filter((cause) => cause !== shared);
  const span = startSpan({ name: `process ${kind}`, kind: 'consumer', parent: shared, links, attributes });
  if (!span) return work();
  const single = shared
    ? []
    : traced.map((cause) => beginMessageSpan(stream, durable, causes.get(cause)!, cause, span));
  try {
    return await withSpan(span, work);
  } finally {
    for (const one of single) one?.end();
  }
}

/** Records in the message's own trace that it was handled, with a link to the batch. */
function beginMessageSpan(stream: string, durable: string, subject: string, parent: string, batch: ActiveSpan) {
  const kind = kindOf(subject);
  const attributes = { ...facts('process', stream, kind), 'messaging.consumer.group.name': durable };
  return startSpan({ name: `process ${kind}`, kind: 'consumer', parent, links: [batch.traceparent], attributes });
}

const facts = (operation: string, stream: string, kind: string): SpanAttributes => ({
  'messaging.system.name': 'nats',
  'messaging.operation.type': operation,
  'messaging.operation.name': operation,
  'messaging.destination.name': stream,
  'messaging.destination.template': kind,
});

const IDS = /\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** A subject without ids. */
const kindOf = (subject: string): string => subject.replace(IDS, '');

function causeOf({ headers }: Delivery): string | undefined {
  const value = headers?.get('traceparent');
  return isTraceparent(value) ? value : undefined;
}

/** The first message's cause, if all messages belong to its trace. */
function sharedCause(batch: readonly Delivery[]): string | undefined {
  const first = batch[0] && causeOf(batch[0]);
  if (!first) return undefined;
  const trace = traceIdOf(first);
  return batch.every(({ headers }) => headers?.get('traceparent').includes(trace)) ? first : undefined;
}
