import { startService, type RunningService } from '#libs/platform';
import { eventually, serviceKeys } from '#libs/test-kit';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { connect } from 'node:net';
import { gateway } from '../../services/gateway/src/gateway.js';
import { PASSWORD, anAccount, type Cast } from '../support/cast.js';
import { Listener } from '../support/observers/listener.js';
import { System } from '../support/system.js';
import { ask } from './ask.js';

const FAILED_LOGINS = 8;
const LIMITS = { FAILED_LOGINS_PER_MINUTE: String(FAILED_LOGINS), REQUESTS_PER_PERSON_PER_MINUTE: '60' };

let system: System;
let second: RunningService;
let listener: Listener;
let cast: Cast;
let urls: string[];

beforeAll(async () => {
  system = await System.start();
  for (const name of ['identity', 'gateway']) await system.stopOne(name);
  await system.startOne('identity', {
    PASSWORD_CHECKS_AT_ONCE: '1',
    PASSWORD_CHECKS_WAITING: '6',
    MAILS_PER_HOUR: '4',
  });
  await system.startOne('gateway', LIMITS);
  const keys = serviceKeys('gateway');
  const env = { NATS_URL: system.brokerUrl('gateway'), PORT: '0', LOG_LEVEL: 'silent', ...keys, ...LIMITS };
  second = await startService({ ...gateway, env, clock: system.clock });
  urls = [system.url, `http://127.0.0.1:${second.port}`];
  for (const url of urls) await eventually(async () => expect((await fetch(`${url}/health/ready`)).status).toBe(200));
  listener = await Listener.on(system);
  cast = await anAccount(system, 'helpdesk');
}, 60_000);
afterAll(async () => {
  await listener?.stop();
  await second?.close();
  await system?.stop();
});

let turn = 0;
/** Asks the two gateways in turn. */
const post = (path: string, body: unknown, token?: string) =>
  ask(urls[turn++ % urls.length]!, { method: 'POST', path, body, token });
const login = (email: string, password: string, accountId?: string) =>
  post('/v1/auth/login', { email, password, ...(accountId && { accountId }) });
const userIn = (text: string) => (JSON.parse(text) as { user: { id: string } }).user.id;
const aMinute = () => system.clock.advance(60_000);

describe('a stranger who opens accounts with the address of another person', () => {
  const email = 'victim@floods.example';
  const open = (n: number) =>
    post('/v1/accounts', { name: `Squat ${n}`, owner: { name: 'V', email, staffId: 'V', password: PASSWORD } });

  it('neither makes the right password ambiguous nor gets many passwords checked', async () => {
    for (let n = 0; n < 6; n++) expect((await open(n)).status).toBe(201);
    const invited = await cast.owner.api.post('/v1/users', { name: 'Victim', email, staffId: 'V-1' });
    expect((await login(email, PASSWORD)).status).toBe(400);
    const token = await listener.mailedTo(email);
    expect((await post('/v1/invitations/accept', { token, password: PASSWORD })).status).toBe(200);
    for (const _ of urls) {
      const { status, text } = await login(email, PASSWORD);
      expect([status, userIn(text)]).toEqual([200, invited.id]);
    }
  });
});

describe('many sign-ins at once', () => {
  it('wait up to a bound; the others are refused before any work, and it costs them no try', async () => {
    aMinute();
    const emails = Array.from({ length: 60 }, (_, n) => `nobody-${n}@floods.example`);
    const answers = await Promise.all(emails.map((email) => login(email, PASSWORD)));
    expect([...new Set(answers.map(({ status }) => status))].sort()).toEqual([401, 503]);
    for (const { status, code, headers } of answers.filter((one) => one.status === 503))
      expect([status, code, headers.get('retry-after')]).toEqual([503, 'service-unavailable', '2']);
    const refused = emails[answers.findIndex(({ status }) => status === 503)]!;
    for (let n = 0; n < FAILED_LOGINS; n++) expect((await login(refused, PASSWORD)).status).toBe(401);
    expect((await login(cast.ada.email, PASSWORD)).status).toBe(200);
  });
});

describe('a guesser', () => {
  it('is stopped by all gateways together, with the same answer for people who do not exist', async () => {
    for (const email of [cast.ben.email, 'nobody@floods.example']) {
      aMinute();
      const statuses = [];
      for (let n = 0; n < FAILED_LOGINS + 2; n++) statuses.push((await login(email, `guess ${n}`)).status);
      expect(statuses).toEqual([...Array<number>(FAILED_LOGINS).fill(401), 429, 429]);
      const refused = await login(email, PASSWORD);
      const wait = Number(refused.headers.get('retry-after'));
      expect(refused.headers.get('ratelimit')).toBe(`"failed-logins-by-address-and-person";r=0;t=${wait}`);
    }
    aMinute();
    expect((await login(cast.ben.email, PASSWORD)).status).toBe(200);
  });
});

describe('a mailbox', () => {
  it('gets a bounded number of mails, whatever causes them', async () => {
    const email = 'mailbox@floods.example';
    const mails = () =>
      system.mailboxes.sink.mails.filter(({ to }) => to.some((one) => one.startsWith('mailbox'))).length;
    const strangers = await anAccount(system, 'crm');
    await cast.owner.api.post('/v1/users', { name: 'M', email, staffId: 'M-1', password: PASSWORD });
    await strangers.owner.api.post('/v1/users', { name: 'M', email: 'mailbox+1@floods.example', staffId: 'M-1' });
    for (let n = 0; n < 6; n++) expect((await post('/v1/auth/password-reset', { email })).status).toBe(202);
    await strangers.owner.api.post('/v1/users', { name: 'Last', email: 'last@floods.example', staffId: 'L-1' });
    await listener.mailedTo('last@floods.example');
    expect(mails()).toBe(4);
    system.clock.advance(3_600_000);
    await post('/v1/auth/password-reset', { email });
    await eventually(() => expect(mails()).toBe(5));
  });
});

describe('one person', () => {
  it('has a budget of requests that the gateways share, and does not use that of others', async () => {
    aMinute();
    const tokenOf = async (email: string) =>
      (JSON.parse((await login(email, PASSWORD)).text) as { accessToken: string }).accessToken;
    const [cleo, dan] = [await tokenOf(cast.cleo.email), await tokenOf(cast.dan.email)];
    const me = (token: string) => ask(urls[turn++ % 2]!, { method: 'GET', path: '/v1/me', token });
    const begun = Date.now();
    const answers = [];
    for (let n = 0; n < 120; n++) answers.push(await me(cleo));
    const accepted = answers.filter(({ status }) => status === 200).length;
    // One a second becomes free meanwhile, and each gateway may be a twentieth ahead of the other.
    const free = Math.ceil((Date.now() - begun) / 1_000);
    expect(accepted).toBeGreaterThanOrEqual(60);
    expect(accepted).toBeLessThanOrEqual(60 + free + 2 * 3);
    const { code, headers } = answers.find(({ status }) => status === 429)!;
    expect(code).toBe('too-many-requests');
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await me(dan)).status).toBe(200);
  });
});

describe('a connection', () => {
  it('whose headers come slowly is closed', async () => {
    const server = system.services.get('gateway')!.app.getHttpServer();
    expect(server.headersTimeout).toBeLessThanOrEqual(15_000);
    server.headersTimeout = 300;
    const socket = connect(Number(new URL(system.url).port), '127.0.0.1', () =>
      socket.write('GET / HTTP/1.1\r\nhost: '),
    );
    let heard = '';
    socket.on('data', (data) => (heard += data.toString()));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(heard).toMatch(/^HTTP\/1\.1 408 .*"code":"request-timeout"/s);
    server.headersTimeout = 15_000;
  });

  it('to the public port never reaches the metrics', async () => {
    for (const url of urls) expect((await fetch(`${url}/metrics`)).status).toBe(404);
    const { metricsPort } = system.services.get('gateway')!;
    const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    expect(page).toContain('leaver_rate_limit_seconds_count');
  });
});
