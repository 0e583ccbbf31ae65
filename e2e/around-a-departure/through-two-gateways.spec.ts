import { SCOPES } from '#libs/contracts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startService, type RunningService } from '#libs/platform';
import { eventually, serviceKeys } from '#libs/test-kit';
import pg from 'pg';
import { gateway } from '../../services/gateway/src/gateway.js';
import { type Json, Api } from '../support/api.js';
import { signInFromBrowser } from '../support/browser.js';
import { anAccount, PASSWORD, type Cast, type Member } from '../support/cast.js';
import { over, type Departure } from '../support/departures.js';
import { System } from '../support/system.js';
import { LiveStream } from './live-stream.js';

let system: System;
let second: RunningService;
let urls: string[];
let cast: Cast;
let block: pg.Client;
beforeAll(async () => {
  system = await System.start();
  const env = { NATS_URL: system.brokerUrl('gateway'), PORT: '0', LOG_LEVEL: 'silent', ...serviceKeys('gateway') };
  second = await startService({ ...gateway, env, clock: system.clock });
  urls = [system.url, `http://127.0.0.1:${second.port}`];
  block = new pg.Client({ connectionString: system.databaseUrl('messaging') });
  await block.connect();
}, 60_000);
beforeEach(async () => {
  cast = await anAccount(system, 'helpdesk');
});
afterAll(async () => {
  await block?.end();
  await second?.close();
  await system?.stop();
});

const owner = () => cast.owner.api;
const tokenOf = async ({ email }: Member) =>
  (await system.api().post<{ accessToken: string }>('/v1/auth/login', { email, password: PASSWORD })).accessToken;

/** Starts a departure that a lock blocks in messaging until `release`. */
async function blockedDeparture(leaver: Member): Promise<Departure> {
  await block.query('begin');
  await block.query('select from directory where user_id = $1 for update', [leaver.id]);
  return owner().post<Departure>(`/v1/users/${leaver.id}/deactivate`);
}
const release = () => block.query('rollback');

describe('live progress', () => {
  it('continues at another gateway after the last received event, without duplicates or gaps', async () => {
    const token = await tokenOf(cast.owner);
    const departure = await blockedDeparture(cast.dan);
    const first = await LiveStream.open(urls[0]!, token, departure.id);
    const done = (service: string) => (event: { name: string; data: Json }) =>
      event.name === 'service' && event.data.service === service && event.data.status === 'completed';
    await eventually(() => first.events.some(done('contacts')));
    first.breakOff();
    const seen = [...first.events];
    expect(seen.some(done('messaging'))).toBe(false);
    const resumed = await LiveStream.open(urls[1]!, token, departure.id, seen.at(-1)!.id);
    await release();
    await eventually(() => resumed.ended);
    expect(resumed.events.some(done('messaging'))).toBe(true);
    expect(resumed.events.at(-1)).toMatchObject({ name: 'departure', data: { status: 'completed' } });
    const whole = await LiveStream.open(urls[0]!, token, departure.id);
    await eventually(() => whole.ended);
    expect([...seen, ...resumed.events]).toEqual(whole.events);
    const nothing = await LiveStream.open(urls[1]!, token, departure.id, whole.events.at(-1)!.id);
    await eventually(() => nothing.ended);
    expect(nothing.events).toEqual([]);
  });
});

const answers = (token: string, path = '/v1/me') =>
  Promise.all(urls.map(async (url) => (await fetch(`${url}${path}`, bearer(token))).status));
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

describe('a deactivated user', () => {
  it('is refused at every gateway within a second, with all streams closed; old tokens stay invalid after a reactivation', async () => {
    const { ada } = cast;
    const token = await tokenOf(ada);
    const other = await blockedDeparture(cast.dan);
    const streams = await Promise.all(urls.map((url) => LiveStream.open(url, token, other.id)));
    await eventually(() => streams.every((stream) => stream.events.length > 0));
    expect(await answers(token)).toEqual([200, 200]);

    const departure = await owner().post<Departure>(`/v1/users/${ada.id}/deactivate`);
    const within = { timeout: 1_000 };
    await Promise.all([
      eventually(async () => expect(await answers(token)).toEqual([401, 401]), within),
      eventually(() => streams.every((stream) => stream.ended), within),
    ]);
    const events = `/v1/departures/${other.id}/events`;
    expect(await answers(token, events)).toEqual([401, 401]);
    for (const stream of streams) expect(stream.events.at(-1)!.data).not.toMatchObject({ status: 'completed' });

    await release();
    for (const one of [other, departure]) await over(owner(), one);
    await over(owner(), await owner().post<Departure>(`/v1/users/${ada.id}/reactivate`));
    expect(await answers(token)).toEqual([401, 401]);
    const fresh = await tokenOf(ada);
    await eventually(async () => expect(await answers(fresh)).toEqual([200, 200]));
    expect(await answers(token)).toEqual([401, 401]);
  });

  it('has no valid refresh token and no valid API token at any gateway', async () => {
    const { ada } = cast;
    const login = { email: ada.email, password: PASSWORD };
    const { refreshToken } = await system.api().post('/v1/auth/login', login);
    const { token } = await ada.api.post<{ token: string }>('/v1/me/api-tokens', { name: 'Script', scopes: SCOPES });
    expect(await answers(token)).toEqual([200, 200]);
    await over(owner(), await owner().post<Departure>(`/v1/users/${ada.id}/deactivate`));
    await over(owner(), await owner().post<Departure>(`/v1/users/${ada.id}/reactivate`));
    await eventually(async () => expect(await answers(token)).toEqual([401, 401]));
    for (const url of urls) {
      const refused = await owner().refusal(new Api(url).post('/v1/auth/refresh', { refreshToken }));
      expect(refused).toMatchObject({ status: 401 });
    }
  });
});

describe('a browser', () => {
  it('is signed in at every gateway, watches departures, and is out within a second after its user has left', async () => {
    const { ada } = cast;
    const headers = await signInFromBrowser(urls[0]!, { email: ada.email, password: PASSWORD });
    const statuses = () => Promise.all(urls.map(async (url) => (await fetch(`${url}/v1/me`, { headers })).status));
    expect(await statuses()).toEqual([200, 200]);
    const json = { ...headers, 'content-type': 'application/json' };
    const body = JSON.stringify({ type: 'deal', title: 'From a browser' });
    expect((await fetch(`${urls[1]}/v1/records`, { method: 'POST', headers: json, body })).status).toBe(201);
    const other = await blockedDeparture(cast.dan);
    const streams = await Promise.all(
      urls.map((url) => fetch(`${url}/v1/departures/${other.id}/events`, { headers: { cookie: headers.cookie } })),
    );
    expect(streams.map(({ status }) => status)).toEqual([200, 200]);
    const ended = Promise.all(streams.map((stream) => stream.text().catch(() => '')));
    const departure = await owner().post<Departure>(`/v1/users/${ada.id}/deactivate`);
    await eventually(async () => expect(await statuses()).toEqual([401, 401]), { timeout: 1_000 });
    await ended;
    await release();
    for (const one of [other, departure]) await over(owner(), one);
  });
});

describe('a suspended user', () => {
  const refused = [
    [401, 401],
    [401, 401],
  ];

  it('is refused at every gateway within a second, with all streams closed, and keeps everything until they are let in again', async () => {
    const { ada } = cast;
    const session = await tokenOf(ada);
    const { token } = await ada.api.post<{ token: string }>('/v1/me/api-tokens', { name: 'Script', scopes: SCOPES });
    const { id: record } = await ada.api.post('/v1/records', { type: 'deal', title: 'Stays' });
    const other = await blockedDeparture(cast.dan);
    const tokens = [session, token];
    const streams = await Promise.all(urls.flatMap((url) => tokens.map((one) => LiveStream.open(url, one, other.id))));
    await eventually(() => streams.every((stream) => stream.events.length > 0));

    await owner().post(`/v1/users/${ada.id}/suspend`);
    const within = { timeout: 1_000 };
    await Promise.all([
      eventually(async () => expect(await Promise.all(tokens.map((one) => answers(one)))).toEqual(refused), within),
      eventually(() => streams.every((stream) => stream.ended), within),
    ]);
    const login = { email: ada.email, password: PASSWORD };
    expect(await owner().refusal(system.api().post('/v1/auth/login', login))).toMatchObject({
      code: 'account-inactive',
    });
    expect(await owner().get(`/v1/users/${ada.id}`)).toMatchObject({
      status: 'active',
      suspendedAt: expect.any(String),
    });
    expect(await owner().get(`/v1/records/${record as string}`)).toMatchObject({ owner: { id: ada.id } });
    await release();
    await over(owner(), other);

    await owner().post(`/v1/users/${ada.id}/resume`);
    expect(await Promise.all(tokens.map((one) => answers(one)))).toEqual([
      [401, 401],
      [200, 200],
    ]);
    expect(await answers(await tokenOf(ada))).toEqual([200, 200]);
  });
});
