import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestCollector, type CollectedSpan } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { anAccount, PASSWORD, type Cast } from './support/cast.js';
import { over, type Departure, type Line } from './support/departures.js';
import { PARTICIPANTS, PARTS } from './support/foundation.js';
import { Processes } from './support/processes.js';

const SERVICES = PARTS.map(({ name }) => name);
const OTHERS = SERVICES.filter((name) => name !== 'identity');
const WITH_RULES = PARTICIPANTS.map(({ name }) => name).filter((name) => name !== 'identity');
/** Processes export spans every five seconds. */
const SPANS_EXPORTED = { timeout: 20_000 };

interface LogLine {
  service: string;
  msg: string;
  departureId?: string;
  traceId?: string;
  requestId?: string;
  route?: string;
}

let collector: TestCollector;
let processes: Processes;
let output = '';
let cast: Cast;
let departure: Departure;

beforeAll(async () => {
  collector = await TestCollector.start();
  const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, LOG_LEVEL: 'info' };
  processes = await Processes.start({ settings, hear: (text) => void (output += text) });
  cast = await anAccount(processes, 'texting');
  // After a departure no events about the creation of the account are pending.
  await leave(cast.ben.id);
  await cast.owner.api.get('/v1/users?status=inquisitive').catch(() => undefined);
  const { id: operatorId, api } = cast.ada;
  await api.post('/v1/live-chats', { visitor: 'A visitor', operatorId });
  await api.post('/v1/automations', { name: 'Welcome', trigger: { kind: 'any' } });
  await api.post('/v1/webhooks', { url: 'https://hooks.example/in', events: ['contact.created'] });
  await api.post('/v1/dashboards', { name: 'Pipeline', shared: true });
  departure = await leave(cast.ada.id);
  expect(departure.status).toBe('completed');
}, 120_000);
afterAll(async () => {
  await processes?.stop();
  await collector?.stop();
});

async function leave(userId: string): Promise<Departure> {
  const { api } = cast.owner;
  return over(api, await api.post<Departure>(`/v1/users/${userId}/deactivate`, { reason: 'Moving to Patagonia' }));
}

const isAbout = ({ attributes }: CollectedSpan) => attributes['leaver.departure.id'] === departure.id;

/** Waits until every service has sent its spans of the departure. */
const departureTraced = () =>
  eventually(() => {
    const services = new Set(collector.spans.filter(isAbout).map(({ service }) => service));
    expect([...services].sort()).toEqual([...OTHERS].sort());
  }, SPANS_EXPORTED);

describe('a deactivation is one trace', () => {
  let trace: CollectedSpan[];

  const childrenOf = ({ spanId }: CollectedSpan) => trace.filter(({ parentSpanId }) => parentSpanId === spanId);
  const below = (span: CollectedSpan): CollectedSpan[] => childrenOf(span).flatMap((one) => [one, ...below(one)]);
  const isStatement = ({ attributes }: CollectedSpan) => attributes['db.system.name'] === 'postgresql';
  const only = (wanted: Partial<CollectedSpan>, among = trace) => {
    const found = among.filter((span) => Object.entries(wanted).every(([k, v]) => span[k as keyof typeof span] === v));
    expect([wanted, found.length]).toEqual([wanted, 1]);
    return found[0]!;
  };

  /** Rules that change nothing have no span: their rows are counted in one common statement. */
  const linesOf = (service: string) =>
    departure.services.find((one) => one.service === service)!.rules.filter(({ action }) => action !== 'keep');
  const spansOf = (lines: readonly Line[]) => lines.map(({ rule }) => `rule ${rule}`);

  beforeAll(async () => {
    await departureTraced();
    const traceIds = new Set(collector.spans.filter(isAbout).map(({ traceId }) => traceId));
    expect(traceIds.size).toBe(1);
    const spansOfTrace = () => collector.spans.filter(({ traceId }) => traceIds.has(traceId));
    await eventually(() => {
      const answered = spansOfTrace().filter(({ name }) => name.startsWith('send departure.receipt.'));
      const taken = spansOfTrace().filter(({ service, kind }) => service === 'identity' && kind === 'consumer');
      const referenced = new Set(taken.flatMap(({ parentSpanId, links }) => [parentSpanId, ...links]));
      expect(answered.map(({ service, spanId }) => [service, referenced.has(spanId)]).sort()).toEqual(
        [...OTHERS].sort().map((service) => [service, true]),
      );
    }, SPANS_EXPORTED);
    trace = spansOfTrace();
  }, 60_000);

  it('from the request through the call to the statements of the decision', () => {
    const request = only({ service: 'gateway', kind: 'server' });
    expect(request.name).toBe('POST /v1/users/:id/deactivate');
    expect(request.parentSpanId || undefined).toBeUndefined();
    expect(request.attributes).toMatchObject({
      'http.route': '/v1/users/:id/deactivate',
      'http.request.method': 'POST',
    });
    const call = only({ service: 'gateway', kind: 'client', name: 'identity/users.deactivate' }, childrenOf(request));
    const handling = only({ service: 'identity', kind: 'server', name: call.name }, childrenOf(call));
    const statements = childrenOf(handling).filter(isStatement);
    expect(statements.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['BEGIN', 'UPDATE users', 'INSERT departure', 'INSERT outbox', 'COMMIT']),
    );
    expect(statements[0]!.attributes['db.namespace']).toMatch(/identity/);
    const sent = only({ service: 'identity', kind: 'producer' });
    expect([sent.name, sent.parentSpanId]).toEqual(['send user.deactivated', handling.spanId]);
  });

  it.each(WITH_RULES)('through the outbox to the rules of %s, and back to identity', (service) => {
    const sent = only({ service: 'identity', kind: 'producer' });
    const received = only({ service, kind: 'consumer', name: 'process user.deactivated' }, childrenOf(sent));
    const rules = below(received).filter(({ name }) => name.startsWith(`rule ${service}.`));
    const names = rules.map(({ name }) => name);
    expect(spansOf(linesOf(service))).toEqual(expect.arrayContaining(names));
    const changing = linesOf(service).filter(({ affected }) => Number(affected) > 0);
    expect(names).toEqual(expect.arrayContaining(spansOf(changing)));
    for (const rule of rules) expect(childrenOf(rule).filter(isStatement)).not.toEqual([]);
    expect(
      below(received)
        .filter(isStatement)
        .map(({ name }) => name),
    ).toEqual(expect.arrayContaining(['BEGIN', 'INSERT inbox', 'COMMIT']));
    expect(childrenOf(received).map(({ name }) => name)).toContain(`send departure.receipt.${service}`);
  });

  it('with a span for each rule that changes rows', () => {
    const names = new Set(trace.map(({ name }) => name));
    for (const rule of [
      'automations.owned',
      'messaging.live-chats',
      'integrations.webhooks',
      'insights.shared-dashboards',
    ])
      expect(names).toContain(`rule ${rule}`);
  });

  it('that ends where identity folds the receipts', () => {
    const folds = trace.filter(({ service, kind }) => service === 'identity' && kind === 'consumer');
    expect(folds.flatMap(below).map(({ name }) => name)).toContain('UPDATE departure_service');
  });
});

it('no span contains a name, an address, a password, a reason or a query string', async () => {
  const { ada, owner } = cast;
  await departureTraced();
  expect(collector.received).toContain('/v1/users/:id/deactivate');
  const kept = [ada.name, ada.email, ada.staffId, owner.name, owner.email, PASSWORD, 'Patagonia', 'inquisitive'];
  expect(kept.filter((detail) => collector.received.includes(detail))).toEqual([]);
});

describe('log lines can be joined', () => {
  const lines = () =>
    output
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as LogLine);
  const aboutDeparture = () => lines().filter(({ departureId }) => departureId === departure.id);

  it('by the id of a departure, in all services', async () => {
    await eventually(() => {
      expect(new Set(aboutDeparture().map(({ service }) => service))).toEqual(new Set(SERVICES));
    });
    expect(lines().filter((line) => JSON.stringify(line).includes(departure.id))).toEqual(aboutDeparture());
  });

  it('by the trace, from the request on; the client knows its id', () => {
    const handled = aboutDeparture().filter(({ service, traceId }) => traceId && OTHERS.includes(service));
    expect(new Set(handled.map(({ service }) => service))).toEqual(new Set(OTHERS));
    const [traceId, ...more] = new Set(handled.map((line) => line.traceId));
    expect(more).toEqual([]);
    const [request] = lines().filter((line) => line.service === 'gateway' && line.traceId === traceId);
    expect(request).toMatchObject({ msg: 'answered', route: '/v1/users/:id/deactivate' });
    expect(request!.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });
});
