import { eventually } from '#libs/test-kit';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from './support/api.js';
import { anAccount, type Cast } from './support/cast.js';
import { over, type Departure } from './support/departures.js';
import { story } from './support/story.js';
import { System } from './support/system.js';

const EVENTS = ['scheduled', 'started', 'completed', 'failed', 'cancelled'].map((what) => `departure.${what}`);

interface Received {
  webhookId: string;
  body: string;
  event: { type: string; data: Json };
}

/** A customer's program receives notifications about departures. */
describe('a webhook for departures', () => {
  let system: System;
  let cast: Cast;
  let server: Server;
  let leavers: Received[];
  let owners: Received[];

  beforeAll(async () => {
    system = await System.start();
    cast = await anAccount(system, 'texting');
    [owners, leavers] = [[], []];
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (text) => (body += text));
      request.on('end', () => {
        const received = request.url === '/owner' ? owners : leavers;
        const webhookId = String(request.headers['webhook-id']);
        received.push({ webhookId, body, event: JSON.parse(body) as Received['event'] });
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await cast.owner.api.post('/v1/webhooks', { url: `${url}/owner`, events: EVENTS });
    await cast.ada.api.post('/v1/webhooks', { url: `${url}/leaver`, events: EVENTS });
  }, 60_000);
  afterAll(async () => {
    server?.close();
    await system?.stop();
  });

  const of = (received: Received[], { id }: { id: string }) => {
    const about = received.filter(({ event }) => event.data.departureId === id);
    return [...new Set(about.map(({ event }) => event.type))].sort();
  };

  const step = story();

  step('reports a scheduled departure and its cancellation', async () => {
    const effectiveAt = new Date(system.clock.millis() + 86_400_000).toISOString();
    const later = await cast.owner.api.post<Departure>(`/v1/users/${cast.dan.id}/deactivate`, { effectiveAt });
    await cast.owner.api.post(`/v1/departures/${later.id}/cancel`);
    await eventually(() => expect(of(owners, later)).toEqual(['departure.cancelled', 'departure.scheduled']));
  });

  step('reports the start and the completion of a departure, without names', async () => {
    const departure = await cast.owner.api.post<Departure>(`/v1/users/${cast.dan.id}/deactivate`);
    await over(cast.owner.api, departure);
    await eventually(() => {
      for (const received of [owners, leavers])
        expect(of(received, departure)).toEqual(['departure.completed', 'departure.started']);
    });
    const texts = owners.map(({ body }) => body).join();
    for (const word of [cast.dan.name, cast.dan.email, cast.dan.staffId, cast.owner.email])
      expect(texts).not.toContain(word);
  });

  step('sends nothing after its owner has left; other webhooks continue', async () => {
    const own = await over(cast.owner.api, await cast.owner.api.post<Departure>(`/v1/users/${cast.ada.id}/deactivate`));
    await eventually(() => expect(of(owners, own)).toContain('departure.completed'));
    expect(of(leavers, own)).not.toContain('departure.completed');
  });
});
