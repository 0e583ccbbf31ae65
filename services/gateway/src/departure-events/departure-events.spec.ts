import { departureEvents, departureProgress, Problem, type DepartureEvent } from '#libs/contracts';
import { TestClock } from '#libs/database';
import { eventually } from '#libs/test-kit';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { anId, bearer, bodyOf, World } from '../../test/world.js';

let world: World;
let clock: TestClock;
let departureId: string;
let events: DepartureEvent[];
let final: boolean;
let asked: { after: number; accountId: string }[];

beforeEach(async () => {
  clock = new TestClock();
  world = await World.create({ clock });
  departureId = anId();
  [events, final] = [[happening(1, 'departure', { status: 'running' })], false];
  asked = world.services.answer(departureEvents, ({ departureId: id, after }) => {
    if (id !== departureId) throw new Problem('not-found');
    return { events: events.filter(({ n }) => n > after), final };
  });
});
afterEach(() => world.close());

const happening = (n: number, type: DepartureEvent['type'], data: object): DepartureEvent => ({ n, type, data });
const path = () => `/v1/departures/${departureId}/events`;

/** Adds an event and sends a ping, unless the ping is to be lost. */
function happens(event: DepartureEvent, { ping = true } = {}): void {
  events.push(event);
  if (ping) world.services.nats.publish(departureProgress(departureId));
}

interface Watching {
  response: Response;
  text: () => string;
  ended: Promise<void>;
  leave: () => void;
}

async function watch(headers: Record<string, string> = {}, url = world.url): Promise<Watching> {
  const leaving = new AbortController();
  const authorization = { authorization: `Bearer ${await world.token()}` };
  await world.services.settled();
  const response = await fetch(url + path(), { headers: { ...authorization, ...headers }, signal: leaving.signal });
  let text = '';
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) text += decoder.decode(chunk, { stream: true });
  };
  return { response, text: () => text, ended: read().catch(() => undefined), leave: () => leaving.abort() };
}

const idsIn = (text: string) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));

describe('watching a departure', () => {
  it('streams events immediately until the departure is over', async () => {
    const { response, text, ended } = await watch();
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8']);
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    await eventually(() => expect(text()).toBe('id: 1\nevent: departure\ndata: {"status":"running"}\n\n'));
    happens(happening(2, 'rule', { rule: 'identity.sessions' }));
    await eventually(() => expect(idsIn(text())).toEqual([1, 2]), { timeout: 1_000 });
    final = true;
    happens(happening(3, 'departure', { status: 'completed' }));
    await ended;
    expect(text()).toContain('id: 2\nevent: rule\ndata: {"rule":"identity.sessions"}\n\n');
    expect(idsIn(text())).toEqual([1, 2, 3]);
  });

  it('continues at any replica after the last event that the client has seen', async () => {
    const replica = await world.addGateway();
    events = [1, 2, 3].map((n) => happening(n, 'rule', {}));
    final = true;
    const { text, ended } = await watch({ 'last-event-id': '2' }, replica);
    await ended;
    expect([idsIn(text()), asked.at(-1)?.after]).toEqual([[3], 2]);
  });

  it('answers 204 after the last event of a departure that is over, so that an EventSource stops reconnecting', async () => {
    events = [1, 2, 3].map((n) => happening(n, 'rule', {}));
    final = true;
    for (const id of ['3', '4', '9007199254740991']) {
      const { response, text, ended } = await watch({ 'last-event-id': id });
      await ended;
      expect([response.status, text()]).toEqual([204, '']);
    }
    expect(asked.at(-1)?.after).toBe(2_147_483_647);
    const head = await world.request('HEAD', path(), {
      headers: { ...bearer(await world.token()), 'last-event-id': '3' },
    });
    expect(head.status).toBe(204);

    final = false;
    const { response, text, leave } = await watch({ 'last-event-id': '3' });
    expect(response.status).toBe(200);
    happens(happening(4, 'rule', {}));
    await eventually(() => expect(idsIn(text())).toEqual([4]));
    leave();
  });

  it('delivers events even if a ping was lost', async () => {
    const { text, leave } = await watch();
    happens(happening(2, 'service', {}), { ping: false });
    await eventually(() => expect(idsIn(text())).toEqual([1, 2]), { timeout: 4_000 });
    leave();
  });

  it('delivers each event once, however many pings arrive', async () => {
    const { text, ended } = await watch();
    for (let n = 2; n <= 50; n++) happens(happening(n, 'rule', {}));
    await eventually(() => expect(idsIn(text())).toHaveLength(50));
    final = true;
    happens(happening(51, 'departure', {}));
    await ended;
    expect(idsIn(text())).toEqual(Array.from({ length: 51 }, (_, n) => n + 1));
    expect(asked.length).toBeLessThan(50);
  });

  it('sends heartbeats on an idle connection', async () => {
    const { text, leave } = await watch();
    clock.advance(15_000);
    await eventually(() => expect(text()).toContain('\n: '), { timeout: 4_000 });
    leave();
  });

  it('waits while identity is not available', async () => {
    const { text, ended } = await watch();
    await eventually(() => expect(idsIn(text())).toEqual([1]));
    world.services.fallSilent(departureEvents);
    happens(happening(2, 'departure', {}));
    world.services.answer(departureEvents, ({ after }) => ({
      events: events.filter(({ n }) => n > after),
      final: true,
    }));
    await ended;
    expect(idsIn(text())).toEqual([1, 2]);
  });

  it('ends with the session of the watching user', async () => {
    const userId = anId();
    const { ended } = await watch(bearer(await world.token({ userId })));
    world.feed.publish({ epochs: [{ userId, epoch: 2 }] });
    await ended;
  });

  it('ends when the API token of the watching client is revoked', async () => {
    world.introspection = { userId: anId(), accountId: anId(), roles: ['owner'] };
    const { ended } = await watch(bearer('lvr_id_secret'));
    world.introspection = null;
    clock.advance(15_000);
    await ended;
  });

  it('is limited per person, and the end of one makes room', async () => {
    const url = await world.addGateway({ STREAMS_PER_PERSON: '1', STREAMS_PER_ACCOUNT: '2' }, clock);
    const accountId = anId();
    const by = async (userId: string) => bearer(await world.token({ userId, accountId }));
    const [maya, ben, cleo] = [await by(anId()), await by(anId()), await by(anId())];
    const first = await watch(maya, url);
    const refused = await watch(maya, url);
    expect([refused.response.status, refused.response.headers.get('retry-after')]).toEqual([429, '5']);
    expect((await watch(ben, url)).response.status).toBe(200);
    expect((await watch(cleo, url)).response.status).toBe(429);
    first.leave();
    await eventually(async () => expect((await watch(maya, url)).response.status).toBe(200));
  });

  it('stops polling when the client has disconnected', async () => {
    const { text, leave } = await watch();
    await eventually(() => expect(idsIn(text())).toEqual([1]));
    leave();
    const connections = async () =>
      (await (await fetch(world.metricsUrl)).text()).match(/leaver_departure_streams (\d+)/)?.[1];
    await eventually(async () => expect(await connections()).toBe('0'));
  });

  it('answers 404 for a departure of another account or an unknown one', async () => {
    departureId = anId();
    asked = world.services.answer(departureEvents, () => {
      throw new Problem('not-found');
    });
    const accountId = anId();
    const answer = await world.request('GET', path(), { headers: bearer(await world.token({ accountId })) });
    expect([answer.status, (await bodyOf(answer)).code, asked[0]?.accountId]).toEqual([404, 'not-found', accountId]);
    expect((await world.request('GET', '/v1/departures/7/events')).status).toBe(404);
  });

  it('does not open a stream for HEAD', async () => {
    const answer = await world.request('HEAD', path());
    expect([answer.status, await answer.text()]).toEqual([200, '']);
  });

  it('does not keep a gateway from stopping', async () => {
    const { ended } = await watch();
    await world.close();
    await ended;
    world = await World.create();
  });
});
