import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { headers } from '@nats-io/transport-node';
import type { Delivery } from './delivery.js';
import { handling, withSpanHeaders } from './message-spans.js';
import { setSpanRecorder, type SpanOptions, logContext, traceparent, withTraceparent } from '#libs/observability';

const CONSUMER = { stream: 'USERS', durable: 'contacts-users' };
const [ONE, OTHER] = ['0af7651916cd43dd8448eb211c80319c', 'bbbb651916cd43dd8448eb211c80319c'] as const;
const cause = (trace: string, span = 'b7ad6b7169203331') => `00-${trace}-${span}-01`;
const PERSON = '0197a7c0-0000-7000-8000-000000000001';

function delivery(traceparent?: string, type = 'user.deactivated'): Delivery {
  const all = headers();
  if (traceparent) all.set('traceparent', traceparent);
  const subject = `${type}.${PERSON}.${PERSON}`;
  return { subject, data: new Uint8Array(), streamSequence: 1, deliveries: 1, headers: all };
}

interface Recorded extends SpanOptions {
  traceparent: string;
  failure?: string;
  ended: boolean;
}

let spans: Recorded[];

beforeEach(() => {
  spans = [];
  setSpanRecorder((span) => {
    const traceparent = `00-${span.parent?.slice(3, 35) ?? 'f'.repeat(32)}-${String(spans.length + 1).padStart(16, '0')}-01`;
    const recorded: Recorded = { ...span, traceparent, ended: false };
    spans.push(recorded);
    return { traceparent, set: () => undefined, end: (failure) => Object.assign(recorded, { ended: true, failure }) };
  });
});
afterEach(() => setSpanRecorder(undefined));

const handled = (batch: Delivery[]) => handling(CONSUMER, batch, async () => traceparent());

describe('a batch', () => {
  it('of one trace gets a span in that trace, with the first message as parent and links to the others', async () => {
    const batch = [delivery(cause(ONE)), delivery(cause(ONE, 'c7ad6b7169203331'))];
    expect(await handled(batch)).toBe(spans[0]!.traceparent);
    expect(spans).toMatchObject([
      {
        name: 'process user.deactivated',
        kind: 'consumer',
        parent: cause(ONE),
        links: [cause(ONE, 'c7ad6b7169203331')],
        attributes: { 'messaging.batch.message_count': 2, 'messaging.consumer.group.name': 'contacts-users' },
        ended: true,
      },
    ]);
  });

  it('of several traces gets its own trace, and each of them gets a span linked to it', async () => {
    const batch = [delivery(cause(ONE)), delivery(cause(OTHER), 'user.updated'), delivery()];
    const own = await handled(batch);
    expect(spans).toMatchObject([
      { name: 'process USERS', parent: undefined, links: [cause(ONE), cause(OTHER)], traceparent: own },
      { name: 'process user.deactivated', parent: cause(ONE), links: [own] },
      { name: 'process user.updated', parent: cause(OTHER), links: [own] },
    ]);
    expect(spans.every(({ ended }) => ended)).toBe(true);
  });

  it('with an untraced message is not part of the others’ trace', async () => {
    await handled([delivery(cause(ONE)), delivery()]);
    expect(spans[0]!.parent).toBeUndefined();
  });

  it('without any trace gets no span', async () => {
    expect(await handled([delivery(), delivery('nonsense')])).toBeUndefined();
    expect(spans).toEqual([]);
  });

  it('that fails has a failed span and rejects with the error', async () => {
    const failing = handling(CONSUMER, [delivery(cause(ONE))], async () => {
      throw Object.assign(new Error('about alice'), { code: '23505' });
    });
    await expect(failing).rejects.toThrow('about alice');
    expect(spans).toMatchObject([{ ended: true, failure: '23505' }]);
    expect(JSON.stringify(spans)).not.toContain('alice');
  });

  it('of one trace is logged with it even if nothing is recorded', async () => {
    setSpanRecorder(undefined);
    const log = await handling(CONSUMER, [delivery(cause(ONE)), delivery(cause(ONE))], async () => logContext());
    expect(log).toEqual({ traceId: ONE });
    const mixed = await handling(CONSUMER, [delivery(cause(ONE)), delivery(cause(OTHER))], async () => logContext());
    expect(mixed).toEqual({});
  });
});

describe('a message', () => {
  const message = { subject: `user.deactivated.${PERSON}.${PERSON}`, id: 'm1', data: '{}' };

  it('is sent with the current trace, or with its own', () => {
    setSpanRecorder(undefined);
    const sent = withTraceparent(cause(ONE), () => [
      withSpanHeaders('USERS', message),
      withSpanHeaders('USERS', { ...message, headers: { traceparent: cause(OTHER) } }),
    ]);
    expect(sent.map((one) => one.message.headers)).toEqual([
      { traceparent: cause(ONE) },
      { traceparent: cause(OTHER) },
    ]);
    expect(withSpanHeaders('USERS', message)).toEqual({ message });
  });

  it('carries the span of its sending as parent, and no ids of users', () => {
    const { message: sent } = withTraceparent(cause(ONE), () => withSpanHeaders('USERS', message));
    expect(spans).toMatchObject([{ name: 'send user.deactivated', kind: 'producer', parent: cause(ONE) }]);
    expect(sent.headers).toEqual({ traceparent: spans[0]!.traceparent });
    expect(JSON.stringify(spans)).not.toContain(PERSON);
  });
});
