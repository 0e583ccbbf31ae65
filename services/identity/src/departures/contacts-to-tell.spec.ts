import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NatsConnection } from '@nats-io/transport-node';
import { closeNats, connectNats } from '#libs/broker';
import {
  bulkDeparturesGet,
  contactsNamed,
  contactsToTell,
  contactsTold,
  departureChoicesPreview,
  departurePreview,
  departuresBulk,
  departuresCancel,
  departuresGet,
  departuresHandover,
  numbersForTelling,
  rulesList,
  usersDeactivate,
  usersDelete,
  type Ask,
  type DepartureRequest,
  type UserEvent,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { sql } from 'kysely';
import { ownerOf, TestIdentity } from '../testing/identity.js';
import { Peer } from '../testing/peer.js';
import { ScheduleWorker } from './decide/schedule/schedule.worker.js';

describe('the contacts of a leaver', () => {
  let identity: TestIdentity;
  let messaging: Peer;
  let nats: NatsConnection;
  let owner: Principal;
  let leaverId: string;
  beforeAll(async () => {
    identity = await TestIdentity.start({ silent: false });
    messaging = await Peer.start(identity, 'messaging');
    owner = ownerOf(await identity.anAccount());
    await eventually(async () => {
      const { items } = await identity.call(rulesList, { principal: owner });
      expect(items.some((rule) => rule.service === 'messaging')).toBe(true);
    });
  });
  afterAll(async () => {
    await messaging?.stop();
    await identity?.stop();
  });
  beforeEach(async () => {
    nats = await connectNats({ url: identity.broker.url, name: 'stand-ins' });
    leaverId = (await identity.aUser(owner)).id;
  });
  afterEach(() => closeNats(nats));

  /** Replaces the asked service. @returns the requests that it has received */
  async function answers<Request, Answer>({ subject }: Ask<Request, Answer>, answer: Answer): Promise<Request[]> {
    const asked: Request[] = [];
    nats.subscribe(subject, {
      callback: (_error, message) => {
        asked.push(message.json<{ data: Request }>().data);
        message.respond(JSON.stringify({ response: answer, isDisposed: true, id: '0' }));
      },
    });
    await nats.flush();
    return asked;
  }
  const preview = () =>
    identity.call(departurePreview, {
      principal: owner,
      params: { id: leaverId },
      query: { transition: 'deactivated' },
    });

  const lastMessageAt = '2026-05-04T03:02:01.000Z';
  const [ada, gone] = ['0190163d-8694-739b-aea5-966c26f8ad91', '0190163d-8694-739b-aea5-966c26f8ad92'] as const;
  const both = { contacts: [ada, gone].map((contactId) => ({ contactId, lastMessageAt })), total: 123 };

  describe('in a preview', () => {
    it('have names and phone numbers from the contacts service', async () => {
      const askedMessaging = await answers(contactsToTell, both);
      const askedContacts = await answers(contactsNamed, {
        contacts: [{ id: ada, name: 'Ada', phone: '+14155550100' }],
      });
      expect(await preview()).toMatchObject({
        contactsToTell: [
          { contactId: ada, name: 'Ada', phone: '+14155550100', lastMessageAt },
          { contactId: gone, name: null, phone: null, lastMessageAt },
        ],
        contactsToTellTotal: 123,
      });
      const { accountId } = owner;
      expect(askedMessaging).toEqual([{ accountId, userId: leaverId }]);
      expect(askedContacts).toEqual([{ accountId, contactIds: [ada, gone] }]);
    });

    it('are empty without contacts, and the contacts service is not asked', async () => {
      await answers(contactsToTell, { contacts: [], total: 0 });
      expect(await preview()).toMatchObject({ contactsToTell: [], contactsToTellTotal: 0 });
    });

    it('are required: the preview fails if messaging or contacts does not answer', async () => {
      const unavailable = (service: string) => ({ code: 'service-unavailable', details: { service } });
      await expect(preview()).rejects.toMatchObject(unavailable('messaging'));
      await answers(contactsToTell, both);
      await expect(preview()).rejects.toMatchObject(unavailable('contacts'));
    });
  });

  describe('are told', () => {
    const tellContacts = { text: 'Ada has left. Write to Ben:', alternativeNumber: '+14155550199' };
    const alternative = { ownerId: gone, destinationUserId: gone };
    const deactivate = (body: DepartureRequest) =>
      identity.call(usersDeactivate, { principal: owner, params: { id: leaverId }, body });
    const get = (id: string) => identity.call(departuresGet, { principal: owner, params: { id } });
    /** The events of the deactivation, as they come. */
    const published = async () => {
      const events: UserEvent[] = [];
      nats.subscribe(`user.deactivated.${owner.accountId}.${leaverId}`, {
        callback: (_error, message) => void events.push(message.json<UserEvent>()),
      });
      await nats.flush();
      return events;
    };
    const texts = async (id: string) => {
      const rows = await identity.query<{ text: string | null }>(
        sql`select wishes #>> '{tellContacts,text}' as text from departure where id = ${id}`,
      );
      return rows.map(({ text }) => text);
    };

    it('as the event says, and identity forgets the text when the departure ends', async () => {
      await answers(numbersForTelling, { owned: 1, alternative });
      const asked = await answers(contactsTold, { total: 2, sent: 1, failed: 1, cancelled: 0 });
      const events = await published();
      const { id } = await deactivate({ tellContacts });
      await eventually(async () => expect((await get(id)).status).toBe('completed'));
      await eventually(() => events.length > 0);
      expect(events[0]!.data.departure).toMatchObject({ id, tellContacts });
      const departure = await get(id);
      expect(departure.contactsTold).toEqual({ total: 2, sent: 1, failed: 1, cancelled: 0 });
      expect(departure).not.toHaveProperty('tellContacts');
      expect(asked).toContainEqual({ accountId: owner.accountId, departureId: id });
      expect(await texts(id)).toEqual([null]);
    });

    it('nothing before the day of a scheduled departure, which shows the text until it is cancelled', async () => {
      await answers(numbersForTelling, { owned: 1, alternative });
      const effectiveAt = new Date(identity.clock.millis() + 86_400_000).toISOString();
      const { id, ...scheduled } = await deactivate({ tellContacts, effectiveAt });
      expect(scheduled).toMatchObject({ status: 'scheduled', tellContacts });
      expect(await get(id)).not.toHaveProperty('contactsTold');
      await identity.call(departuresCancel, { principal: owner, params: { id } });
      expect(await texts(id)).toEqual([null]);
    });

    it('when the day of a scheduled departure has come', async () => {
      await answers(numbersForTelling, { owned: 1, alternative });
      const events = await published();
      const effectiveAt = new Date(identity.clock.millis() + 86_400_000).toISOString();
      const { id } = await deactivate({ tellContacts, effectiveAt });
      identity.clock.advanceDays(1);
      await identity.get(ScheduleWorker).drain();
      await eventually(() => events.length > 0);
      expect(events[0]!.data.departure).toMatchObject({ id, tellContacts });
    });

    it('the same of each leaver of a list, which forgets the text when its rows are decided', async () => {
      await answers(numbersForTelling, { owned: 1, alternative });
      const other = (await identity.aUser(owner)).id;
      const { id } = await identity.call(departuresBulk, {
        principal: owner,
        body: {
          transition: 'deactivated',
          users: [{ userId: leaverId }, { userId: other }],
          effectiveAt: new Date(identity.clock.millis() + 86_400_000).toISOString(),
          tellContacts,
        },
      });
      const read = () => identity.call(bulkDeparturesGet, { principal: owner, params: { id } });
      await eventually(async () => expect((await read()).counts).toMatchObject({ waiting: 0, accepted: 2 }));
      for (const { departureId } of (await read()).rows)
        expect(await get(departureId!)).toMatchObject({ tellContacts });
      await eventually(async () =>
        expect(await identity.query(sql`select from bulk_departure where tell_contacts is not null`)).toEqual([]),
      );
    });

    it('exactly what was previewed', async () => {
      await answers(numbersForTelling, { owned: 0, alternative });
      await answers(contactsToTell, { contacts: [], total: 0 });
      const { planToken, warnings } = await identity.call(departureChoicesPreview, {
        principal: owner,
        params: { id: leaverId },
        body: { transition: 'deactivated', tellContacts },
      });
      expect(warnings).toContainEqual({
        rule: 'messaging.personal-threads',
        detail: expect.stringContaining('not sent'),
      });
      for (const other of [undefined, { ...tellContacts, text: 'Bye' }, { text: tellContacts.text }])
        await expect(deactivate({ planToken, tellContacts: other })).rejects.toMatchObject({
          ...{ code: 'plan-stale', details: { detail: expect.stringContaining('differs in tellContacts.') } },
        });
      expect(await deactivate({ planToken, tellContacts })).toMatchObject({ transition: 'deactivated' });
    });

    it('nothing that arrives without a carrier, which the preview says', async () => {
      await answers(contactsToTell, { ...both, sandbox: true });
      await answers(contactsNamed, { contacts: [] });
      const warningsOf = async (body: DepartureRequest) => {
        const call = { principal: owner, params: { id: leaverId } };
        const choices = { ...body, transition: 'deactivated' as const };
        return (await identity.call(departureChoicesPreview, { ...call, body: choices })).warnings;
      };
      const { text } = tellContacts;
      const warning = { rule: 'messaging.personal-threads', detail: expect.stringContaining('No carrier') };
      expect(await warningsOf({ tellContacts: { text } })).toContainEqual(warning);
      expect(await warningsOf({})).not.toContainEqual(warning);
    });

    it('no number of the leaver, and none that the account does not have', async () => {
      await answers(numbersForTelling, { owned: 1, alternative: null });
      await expect(deactivate({ tellContacts })).rejects.toMatchObject({ code: 'unknown-reference' });
      await closeNats(nats);
      nats = await connectNats({ url: identity.broker.url, name: 'stand-ins' });
      await answers(numbersForTelling, { owned: 1, alternative: { ownerId: leaverId, destinationUserId: null } });
      await expect(deactivate({ tellContacts })).rejects.toMatchObject({ code: 'unknown-reference' });
    });
  });

  describe('in a handover report', () => {
    const report = (principal: Principal, id: string, query: { receiverId?: string } = {}) =>
      identity.call(departuresHandover, { principal, params: { id }, query });
    const anAgent = async (): Promise<Principal> => {
      const { id, roles } = await identity.aUser(owner);
      return { accountId: owner.accountId, userId: id, roles };
    };
    const over = (id: string) =>
      eventually(async () => {
        const { status } = await identity.call(departuresGet, { principal: owner, params: { id } });
        expect(status).toBe('completed');
      });

    it('are with the receiver whom they are assigned to, who sees only their own part', async () => {
      const [ben, cleo, dan] = [await anAgent(), await anAgent(), await anAgent()];
      await messaging.give(owner.accountId, leaverId, 'record', 3);
      await messaging.give(owner.accountId, leaverId, 'call', 2);
      const left = await identity.call(usersDeactivate, {
        principal: owner,
        params: { id: leaverId },
        body: {
          overrides: { 'messaging.records': 'transfer', 'messaging.calls': 'transfer' },
          successors: { default: ben.userId, 'messaging.calls': cleo.userId },
        },
      });
      await over(left.id);
      await answers(contactsToTell, both);
      const [phone, other] = ['+14155550100', '+14155550101'];
      await answers(contactsNamed, {
        contacts: [
          { id: ada, name: 'Ada', phone, assigneeId: ben.userId },
          { id: gone, name: 'Bob', phone: other, assigneeId: null },
        ],
      });

      const records = { service: 'messaging', rule: 'messaging.records', label: 'Records', transition: 'deactivated' };
      const calls = { ...records, rule: 'messaging.calls', label: 'Calls' };
      const all = await report(owner, left.id);
      expect(all).toMatchObject({
        departureId: left.id,
        user: { id: leaverId, status: 'deactivated' },
        parts: [
          { receiver: { id: ben.userId }, received: [{ ...records, affected: 3 }], affected: 3, checks: [] },
          { receiver: { id: cleo.userId }, received: [{ ...calls, affected: 2 }], affected: 2, contacts: [] },
        ],
        checks: [],
        contacts: [{ contactId: gone, name: 'Bob', phone: other, lastMessageAt }],
      });
      expect(all.parts[0]!.contacts).toEqual([{ contactId: ada, name: 'Ada', phone, lastMessageAt }]);

      const { checks: _checks, contacts: _contacts, ...shared } = all;
      expect(await report(owner, left.id, { receiverId: cleo.userId })).toEqual({ ...shared, parts: [all.parts[1]] });
      expect(await report(owner, left.id, { receiverId: dan.userId })).toEqual({ ...shared, parts: [] });
      const own = { ...all.parts[0]!, contacts: [{ contactId: ada, name: 'Ada', phone }] };
      expect(await report(ben, left.id)).toEqual({ ...shared, parts: [own] });
      expect(await report(ben, left.id, { receiverId: ben.userId })).toEqual({ ...shared, parts: [own] });
      await expect(report(ben, left.id, { receiverId: cleo.userId })).rejects.toMatchObject({ code: 'forbidden' });
      const stranger = ownerOf(await identity.anAccount());
      for (const other of [dan, stranger])
        await expect(report(other, left.id)).rejects.toMatchObject({ code: 'not-found' });

      await over((await identity.call(usersDelete, { principal: owner, params: { id: leaverId }, body: {} })).id);
      expect((await report(ben, left.id)).user).toMatchObject({ name: 'Deleted user', status: 'deleted' });
    });
  });
});
