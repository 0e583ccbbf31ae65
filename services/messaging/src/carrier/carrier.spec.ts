import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  contactsTold,
  messageActivity,
  messageCompose,
  messageGet,
  messageRemove,
  type Principal,
  type UserEvent,
} from '#libs/contracts';
import { EventProcessor } from '#libs/lifecycle';
import { TestService } from '#libs/platform/testing';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { ContactNoticeSender } from '../contact-notice/contact-notice-sender.worker.js';
import { MessagingConfig } from '../messaging.config.js';
import { MessagingModule, migrations } from '../messaging.module.js';
import { AddressBook } from '../testing/address-book.js';
import { departs, departureOf } from '../testing/departures.js';
import { CarrierWorker } from './carrier.worker.js';

interface Taken {
  headers: IncomingHttpHeaders;
  body: unknown;
}

/** A carrier's server that records requests and answers with what the test has set. */
class CarrierServer {
  readonly taken: Taken[] = [];
  answer: { status: number; body: string; headers?: OutgoingHttpHeaders } = { status: 202, body: '' };
  /** Requests are answered when it resolves, as the answer was when they came. */
  until: Promise<unknown> = Promise.resolve();
  private server!: Server;

  async open(): Promise<string> {
    this.server = createServer((request, response) => {
      let body = '';
      request.on('data', (text) => (body += text));
      request.on('end', () => {
        this.taken.push({ headers: request.headers, body: JSON.parse(body) });
        const { status, headers, body: text } = this.answer;
        void this.until.then(() => response.writeHead(status, headers).end(text));
      });
    });
    await new Promise<void>((listening) => this.server.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/messages`;
  }

  close(): Promise<unknown> {
    this.server.closeAllConnections();
    return new Promise((closed) => this.server.close(closed));
  }
}

describe('the carrier', () => {
  let server: CarrierServer;
  let messaging: TestService;
  let contacts: AddressBook;
  let robin: Principal;
  beforeEach(async () => {
    server = new CarrierServer();
    const env = { CARRIER_URL: await server.open(), CARRIER_TOKEN: 'a-token' };
    const service = { name: 'messaging', module: MessagingModule, migrations, config: MessagingConfig };
    messaging = await TestService.start({ ...service, env });
    contacts = await AddressBook.open(messaging);
    robin = await messaging.person({ roles: ['owner'] });
  });
  afterEach(async () => {
    await contacts.close();
    await messaging.stop();
    await server.close();
  });
  const send = async () => {
    const body = { contactIds: [contacts.add(robin.accountId)], text: 'Hello' };
    return (await messaging.call(robin, messageCompose, { body })).items[0]!;
  };
  const becomes = (id: string, status: string) =>
    eventually(async () =>
      expect(await messaging.call(robin, messageGet, { params: { id } })).toMatchObject({ status }),
    );
  const report = () => messaging.call(robin, messageActivity);

  it('receives each message with its id and the configured token', async () => {
    const { id, inboxId } = await send();
    await becomes(id, 'sent');
    const [taken] = server.taken;
    expect(taken!.body).toEqual({ id, inboxId, to: '+14155550100', text: 'Hello' });
    expect(taken!.headers).toMatchObject({ 'idempotency-key': id, authorization: 'Bearer a-token' });
    expect(await report()).toMatchObject({ sent: 1, delivered: 0 });
  });

  it('can answer immediately that a message is delivered or rejected', async () => {
    server.answer = { status: 200, body: '{"status":"delivered"}' };
    await becomes((await send()).id, 'delivered');
    server.answer = { status: 422, body: 'no such number' };
    await becomes((await send()).id, 'failed');
    expect(await report()).toMatchObject({ sent: 1, delivered: 1 });
  });

  it('gets the message again with the same id after an outage', async () => {
    server.answer = { status: 503, body: '' };
    const { id } = await send();
    await eventually(() => server.taken.length === 1);
    const attempted = async () =>
      (
        await sql`select 1 from message where attempts = 1 and due_at < ${new Date(messaging.clock.millis() + 30_000)}`.execute(
          messaging.em().getKysely(),
        )
      ).rows.length === 1;
    await eventually(attempted);
    server.answer = { status: 202, body: '' };
    messaging.clock.advance(60_000);
    await becomes(id, 'sent');
    expect(server.taken.map(({ headers }) => headers['idempotency-key'])).toEqual([id, id]);
    expect(await report()).toMatchObject({ sent: 1 });
  });

  it('gets nothing for as long as it asks with Retry-After', async () => {
    server.answer = { status: 429, body: '', headers: { 'retry-after': '120' } };
    const { id } = await send();
    await eventually(() => server.taken.length === 1);
    await messaging.get(CarrierWorker).drain();
    server.answer = { status: 202, body: '' };
    messaging.clock.advance(110_000);
    const other = await send();
    await messaging.get(CarrierWorker).drain();
    expect(server.taken).toHaveLength(1);
    messaging.clock.advance(11_000);
    await becomes(id, 'sent');
    await becomes(other.id, 'sent');
  });

  it('and its late refusal do not fail a message that is being sent again', async () => {
    const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    server.answer = { status: 422, body: 'late' };
    server.until = first.promise;
    const { id } = await send();
    await eventually(() => server.taken.length === 1);
    server.answer = { status: 202, body: '' };
    server.until = second.promise;
    // Another replica takes over when the lease has run out.
    await sql`update message set attempts = attempts + 1 where id = ${id}`.execute(messaging.em().getKysely());
    first.resolve();
    await messaging.get(CarrierWorker).drain();
    expect(await messaging.call(robin, messageGet, { params: { id } })).toMatchObject({ status: 'queued' });
    messaging.clock.advance(61_000);
    second.resolve();
    await becomes(id, 'sent');
  });

  it('gets the messages of an account although another one has many that are slow', async () => {
    const slow = Promise.withResolvers<void>();
    server.until = slow.promise;
    for (let n = 0; n < 25; n++) await send();
    await eventually(() => server.taken.length === 10);
    server.until = Promise.resolve();
    robin = await messaging.person({ roles: ['owner'] });
    await becomes((await send()).id, 'sent');
    expect(server.taken).toHaveLength(11);
    slow.resolve();
  });

  it('is asked again in time for what was put off while the clock was ahead', async () => {
    messaging.clock.advance(2 * 3_600_000);
    server.answer = { status: 503, body: '' };
    const { id } = await send();
    await eventually(() => server.taken.length === 1);
    await messaging.get(CarrierWorker).drain();
    server.answer = { status: 202, body: '' };
    messaging.clock.advance(-2 * 3_600_000);
    await becomes(id, 'sent');
  });

  it('gets seven attempts before the message fails', async () => {
    server.answer = { status: 500, body: '' };
    const { id } = await send();
    await eventually(
      async () => {
        messaging.clock.advanceDays(1);
        const { status } = await messaging.call(robin, messageGet, { params: { id } });
        return status === 'failed';
      },
      { timeout: 30_000, interval: 300 },
    );
    expect(server.taken.length).toBe(7);
    expect(await report()).toMatchObject({ sent: 0 });
  }, 40_000);

  describe('for the contacts of a leaver', () => {
    const tellContacts = { text: 'Dana has left. Write to Robin:', alternativeNumber: '+14155550199' };
    let dana: Principal;
    beforeEach(async () => {
      dana = await messaging.person({ accountId: robin.accountId });
    });
    const add = (phone: string | null) => contacts.add(robin.accountId, { phone });
    const writesTo = async (contactIds: string[]) => {
      const { items } = await messaging.call(dana, messageCompose, { body: { contactIds, text: 'Hello' } });
      await eventually(() => server.taken.length > 0);
      await messaging.get(CarrierWorker).drain();
      server.taken.length = 0;
      return items[0]!.inboxId;
    };
    const told = ({ data }: UserEvent) =>
      messaging.client.ask(contactsTold, { accountId: dana.accountId, departureId: data.departure!.id });
    const apply = (event: UserEvent) => messaging.get(EventProcessor).apply([event]);

    it('gets a text to each, once, although a deletion has deleted the conversations', async () => {
      const inboxId = await writesTo([add('+14155550101'), add('+14155550102'), add(null)]);
      const overrides = { 'messaging.personal-threads': { deleted: { action: 'delete' as const } } };
      const event = await departureOf(messaging, dana, 'deleted', { overrides, tellContacts });
      await apply(event);
      await apply(event);
      await eventually(async () => expect(await told(event)).toEqual({ total: 2, sent: 2, failed: 0, cancelled: 0 }));
      await messaging.get(ContactNoticeSender).drain();
      const text = 'Dana has left. Write to Robin:\n+14155550199';
      const parcel = (to: string) => ({ id: expect.any(String), inboxId, to, text });
      const taken = server.taken.map(({ body }) => body as { to: string });
      expect(taken.sort((one, other) => one.to.localeCompare(other.to))).toEqual([
        parcel('+14155550101'),
        parcel('+14155550102'),
      ]);
      const { rows } = await sql`select from contact_notice where text is not null`.execute(messaging.em().getKysely());
      expect(rows).toEqual([]);
      expect(await report()).toMatchObject({ sent: 2 });
    });

    it('gets nothing more after a reactivation', async () => {
      await writesTo([add('+14155550101')]);
      server.answer = { status: 503, body: '' };
      const event = await departureOf(messaging, dana, 'deactivated', { tellContacts });
      await apply(event);
      await eventually(() => server.taken.length === 1);
      await messaging.get(ContactNoticeSender).drain();
      await departs(messaging, dana, 'active');
      server.answer = { status: 202, body: '' };
      messaging.clock.advance(60_000);
      await messaging.get(ContactNoticeSender).drain();
      expect(await told(event)).toEqual({ total: 1, sent: 0, failed: 0, cancelled: 1 });
      expect(server.taken).toHaveLength(1);
    });

    it('gets a text again with the same id after an outage, and never after it has refused it', async () => {
      await writesTo([add('+14155550101'), add('+14155550102')]);
      server.answer = { status: 503, body: '' };
      const event = await departureOf(messaging, dana, 'deactivated', { tellContacts });
      await apply(event);
      await eventually(() => server.taken.length === 2);
      await messaging.get(ContactNoticeSender).drain();
      server.answer = { status: 422, body: 'no such number' };
      messaging.clock.advance(60_000);
      await eventually(async () => expect(await told(event)).toMatchObject({ total: 2, sent: 0, failed: 2 }));
      const ids = server.taken.map(({ headers }) => headers['idempotency-key']);
      expect(ids).toHaveLength(4);
      expect(new Set(ids).size).toBe(2);
    });
  });

  it('counts a sent message in the reports even if it is removed', async () => {
    const { id } = await send();
    await becomes(id, 'sent');
    await messaging.call(robin, messageRemove, { params: { id } });
    expect(await report()).toMatchObject({ sent: 1 });
  });
});
