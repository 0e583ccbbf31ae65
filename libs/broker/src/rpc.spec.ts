import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Controller, Module, type INestMicroservice, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { CustomStrategy } from '@nestjs/microservices';
import type { NatsConnection } from '@nats-io/transport-node';
import {
  Json,
  NOBODY,
  operation,
  previewOf,
  Problem,
  Text,
  type Ask,
  type CallOf,
  type PreviewLine,
  type PreviewRequest,
} from '#libs/contracts';
import { eventually, serviceKeys, testBroker, type TestBroker } from '#libs/test-kit';
import type { CallAdmission } from './calls/admission.js';
import { CallSigner } from './calls/call-signature.js';
import { ServiceKeys } from './calls/service-keys.js';
import { closeNats, connectNats, isConnected } from './connection.js';
import { Answers, Handles } from './handles.js';
import { RpcProblemFilter, RpcServer } from './rpc-server.js';
import { MAX_OPEN_CALLS, ServiceClient } from './service-client.js';
import { traceparent, withTraceparent } from '#libs/observability';

class Note {
  @Text() text: string;
}
class Echo {
  @Json() call: object;
}
const common = { service: 'notes', summary: '', access: 'signed-in' } as const;
const declared = { ...common, body: Note };
const echo = operation<Echo, Note>({ ...declared, id: 'notes.echo', method: 'POST', path: '/notes', answer: Echo });
const remove = operation({ ...common, id: 'notes.remove', method: 'DELETE', path: '/notes/:id' });
const refuse = operation<Echo, Note>({
  ...declared,
  id: 'notes.refuse',
  method: 'POST',
  path: '/refuse',
  answer: Echo,
});
const crash = operation({ ...common, id: 'notes.crash', method: 'POST', path: '/crash' });
const slow = operation({
  ...common,
  id: 'notes.slow',
  method: 'POST',
  path: '/slow',
  timeout: 300,
  ignoresIdempotencyKey: 'It changes nothing.',
});
const huge = operation<Echo>({
  ...common,
  id: 'notes.huge',
  method: 'GET',
  path: '/huge',
  answer: Echo,
});
const unheard = operation({ ...common, service: 'nobody', id: 'unheard', method: 'GET', path: '/unheard' });
const preview = previewOf('notes');
const whichTrace: Ask<object, string | null> = {
  service: 'notes',
  subject: 'rpc.notes.trace',
  timeout: 2_000,
  calledBy: ['tests'],
};

const slowOnes: (() => void)[] = [];
const finishSlow = (): void => slowOnes.splice(0).forEach((finish) => finish());
let slowRuns = 0;

@Controller()
class Notes {
  @Handles(echo)
  echo(call: CallOf<typeof echo>): Echo {
    return { call };
  }

  @Handles(remove)
  async remove(): Promise<void> {}

  @Handles(refuse)
  refuse(): Promise<Echo> {
    throw new Problem('no-free-seat', { detail: 'Take a chair along', items: [{ seat: 1 }] });
  }

  @Handles(crash)
  crash(): void {
    throw Object.assign(new Error('could not read the mail of alice@example.com'), { code: '22P02' });
  }

  @Handles(slow, { transaction: false })
  async slow(): Promise<void> {
    slowRuns++;
    await new Promise<void>((resolve) => slowOnes.push(resolve));
  }

  @Handles(huge)
  huge(): Echo {
    return { call: { text: 'x'.repeat(9 * 1024 * 1024) } };
  }

  @Answers(preview)
  preview({ userId }: PreviewRequest): PreviewLine[] {
    return [{ rule: userId, transition: 'deleted', action: 'keep', count: 1 }];
  }

  @Answers(whichTrace)
  async trace(): Promise<string | null> {
    await new Promise((resolve) => setImmediate(resolve));
    return traceparent() ?? null;
  }
}

@Module({ controllers: [Notes] })
class NotesModule {}

/** Admits every call. Which calls are admitted is tested in libs/auth. */
const admission: CallAdmission = { admit: async () => ({ caller: 'gateway', principal: NOBODY }) };

let broker: TestBroker;
let nats: NatsConnection;
let client: ServiceClient;
let service: { app: INestMicroservice; nats: NatsConnection };
const lines: { facts: object; message: string }[] = [];
const error = (facts: object, message: string): void => void lines.push({ facts, message });
const log = { debug() {}, info() {}, warn() {}, error };

async function start(module: Type): Promise<typeof service> {
  const own = await connectNats({ url: broker.url, name: 'notes' });
  const strategy = new RpcServer({ nats: own, queue: 'notes', admission, log });
  const app = await NestFactory.createMicroservice<CustomStrategy>(module, { strategy, logger: false });
  app.useGlobalFilters(new RpcProblemFilter(log));
  await app.listen();
  await own.flush();
  return { app, nats: own };
}

beforeAll(async () => {
  broker = await testBroker();
  nats = await connectNats({ url: broker.url, name: 'tests' });
  const { SERVICE_KEY, SERVICE_PUBLIC_KEYS } = serviceKeys('gateway');
  const keys = ServiceKeys.of('gateway', SERVICE_KEY, JSON.parse(SERVICE_PUBLIC_KEYS) as Record<string, string>);
  client = new ServiceClient(nats, new CallSigner(keys, 'test'));
  service = await start(NotesModule);
});

afterEach(() => {
  lines.length = 0;
});

afterAll(async () => {
  await service.app.close();
  await closeNats(service.nats);
  await closeNats(nats);
  await broker.stop();
});

const problem = (call: Promise<unknown>): Promise<Problem> =>
  call.then(
    () => Promise.reject(new Error('no problem')),
    (thrown) => thrown,
  );

describe('a call', () => {
  it('arrives as it was sent, with omitted parts empty', async () => {
    const { call } = await client.call(echo, { principal: NOBODY, body: { text: 'hello' }, params: { id: '1' } });
    expect(call).toEqual({ principal: NOBODY, body: { text: 'hello' }, params: { id: '1' }, query: {} });
  });

  it('without an answer returns undefined', async () => {
    expect(await client.call(remove, { principal: NOBODY })).toBeUndefined();
  });

  it('fails with the problem that the service threw, including details', async () => {
    const thrown = await problem(client.call(refuse, { principal: NOBODY, body: { text: 'x' } }));
    expect(thrown).toBeInstanceOf(Problem);
    expect(thrown.toBody()).toEqual(
      new Problem('no-free-seat', { detail: 'Take a chair along', items: [{ seat: 1 }] }).toBody(),
    );
    expect(lines).toEqual([]);
  });

  it('fails with `internal` on an unexpected error; the log gets the code but not the message', async () => {
    const thrown = await problem(client.call(crash, { principal: NOBODY }));
    expect(thrown.toBody()).toEqual(new Problem('internal').toBody());
    expect(lines).toMatchObject([{ facts: { error: 'Error', code: '22P02', at: expect.any(Array) } }]);
    expect(JSON.stringify(lines)).not.toContain('alice');
  });

  it('fails with `internal` immediately when the response is too large', async () => {
    expect((await problem(client.call(huge, { principal: NOBODY }))).code).toBe('internal');
  });

  it('to a service that is not running fails immediately', async () => {
    const began = performance.now();
    const thrown = await problem(client.call(unheard, { principal: NOBODY }));
    expect(thrown.toBody()).toMatchObject({
      code: 'service-unavailable',
      service: 'nobody',
      detail: 'The service is not running.',
    });
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('that exceeds the operation’s timeout fails', async () => {
    const thrown = await problem(client.call(slow, { principal: NOBODY }));
    expect(thrown.toBody()).toMatchObject({
      code: 'service-unavailable',
      service: 'notes',
      detail: 'The service did not answer in time.',
    });
    finishSlow();
  });

  it('is refused immediately while its service has too many open calls; other services are not affected', async () => {
    const runs = slowRuns;
    const patient = { ...slow, timeout: 60_000 };
    const waiting = Array.from({ length: MAX_OPEN_CALLS }, () => client.call(patient, { principal: NOBODY }));
    await eventually(() => slowRuns === runs + MAX_OPEN_CALLS);
    expect((await problem(client.call(echo, { principal: NOBODY, body: { text: 'x' } }))).toBody()).toMatchObject({
      code: 'service-unavailable',
      service: 'notes',
      detail: 'The service has too many open calls.',
    });
    expect((await problem(client.call(unheard, { principal: NOBODY }))).details.detail).toBe(
      'The service is not running.',
    );
    finishSlow();
    await Promise.all(waiting);
    expect(await client.call(remove, { principal: NOBODY })).toBeUndefined();
  });

  it('carries the trace of the request', async () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    expect(await withTraceparent(trace, () => client.ask(whichTrace, {}))).toBe(trace);
    expect(await client.ask(whichTrace, {})).toBeNull();
  });
});

describe('a request between services', () => {
  it('is answered', async () => {
    const request = { accountId: 'a', userId: 'u', steps: [], activeSince: 1, wasManager: false, rules: {} };
    expect(await client.ask(preview, request)).toEqual([
      { rule: 'u', transition: 'deleted', action: 'keep', count: 1 },
    ]);
  });
});

describe('a message whose reply subject is not an inbox', () => {
  it.each(['user.deleted.a.b', '$JS.API.STREAM.PURGE.USERS', 'rpc.notes.remove', ''])(
    'is neither handled nor answered: "%s"',
    async (reply) => {
      const runs = slowRuns;
      const answers: string[] = [];
      const watch = reply && nats.subscribe(reply, { callback: (_error, { subject }) => void answers.push(subject) });
      const packet = JSON.stringify({ pattern: slow.subject, id: '0', data: { params: {}, query: {}, body: {} } });
      nats.publish(slow.subject, packet, reply ? { reply } : {});
      // The service handles calls in order.
      await client.ask(whichTrace, {});
      if (watch) watch.unsubscribe();
      expect([slowRuns, answers]).toEqual([runs, []]);
    },
  );
});

describe('interruptions', () => {
  it('client and service survive a restart of the broker', async () => {
    await broker.restart();
    // Both are connected, but the service may not have subscribed again yet.
    await eventually(async () => expect(await client.call(remove, { principal: NOBODY })).toBeUndefined());
  });

  it('a call made while the broker is down is sent when it is back', async () => {
    await broker.kill();
    await eventually(() => !isConnected(nats) && !isConnected(service.nats));
    const call = client.ask({ ...whichTrace, timeout: 5_000 }, {});
    await broker.restart();
    // The service may reconnect a moment after the caller.
    const answered = await call.catch((thrown: Problem) => thrown.details.detail);
    expect([null, 'The service is not running.']).toContain(answered);
    await eventually(() => client.ask(whichTrace, {}).then(() => true));
  });

  it('a closing service answers the running call first', async () => {
    const runs = slowRuns;
    const patient = { ...slow, timeout: 5_000 };
    const call = client.call(patient, { principal: NOBODY });
    await eventually(() => slowRuns > runs);
    const closing = service.app.close();
    finishSlow();
    expect(await call).toBeUndefined();
    await closing;
    expect((await problem(client.call(remove, { principal: NOBODY }))).details.detail).toBe(
      'The service is not running.',
    );
  });
});
