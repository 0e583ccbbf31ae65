import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  conversations,
  inboxes,
  messageCompose,
  messageInbound,
  messageList,
  scheduledMessages,
  type Conversion as Wanted,
  type Principal,
} from '#libs/contracts';
import { EventProcessor, proof, RuleSet } from '#libs/lifecycle';
import { crashes, RuleBench } from '#libs/lifecycle/testing';
import type { TestService } from '#libs/platform/testing';
import { Conversation } from '../conversation/conversation.entity.js';
import { messagingRules } from '../departures/messaging.rules.js';
import { entities, migrations } from '../messaging.module.js';
import { AddressBook } from '../testing/address-book.js';
import { departs, departureOf } from '../testing/departures.js';
import { startMessaging } from '../testing/messaging.js';
import { Inbox, InboxMember } from './inbox.entity.js';
import { PersonalInboxConversion } from './personal-inbox-conversion.js';

const HOUR = 3_600_000;

describe('a conversion to a shared inbox', () => {
  let messaging: TestService;
  let contacts: AddressBook;
  let robin: Principal;
  let kim: Principal;
  let lee: Principal;
  let admin: Principal;
  let inboxId: string;
  let contactId: string;
  beforeAll(async () => {
    messaging = await startMessaging();
    contacts = await AddressBook.open(messaging);
  });
  afterAll(async () => {
    await contacts.close();
    await messaging.stop();
  });
  beforeEach(async () => {
    robin = await messaging.person();
    const { accountId } = robin;
    kim = await messaging.person({ accountId, name: 'Kim Example' });
    lee = await messaging.person({ accountId, name: 'Lee Example' });
    admin = await messaging.person({ accountId, name: 'Ada Admin', roles: ['admin'] });
    inboxId = (await messaging.call(robin, inboxes.create, { body: { kind: 'personal', name: 'Robin' } })).id;
    contactId = contacts.add(accountId);
    await compose();
  });
  const compose = (at?: Date) =>
    messaging.call(robin, messageCompose, {
      body: { inboxId, contactIds: [contactId], text: 'Hello', at: at?.toISOString() },
    });
  const later = () => new Date(messaging.clock.millis() + HOUR);
  const conversion = (more: Partial<Wanted> = {}): Wanted => ({
    inboxId,
    name: 'Front desk',
    memberIds: [kim.userId, lee.userId],
    ...more,
  });
  /** Converts under the preset that deletes a leaver's threads. */
  const convert = (more: Partial<Wanted> = {}) =>
    departs(messaging, robin, 'deleted', { preset: 'texting', conversion: conversion(more) });
  const inbox = (id = inboxId) => messaging.call(admin, inboxes.get, { params: { id } });
  const messages = async () => (await messaging.call(kim, messageList, { query: { inboxId } })).items;
  const remaining = async () =>
    (
      await proof(messaging.em().getKysely(), messaging.get(RuleSet), {
        users: [{ userId: robin.userId, lifecycleVersion: 2 }],
      })
    ).broken;

  it('gives the inbox with its id and threads to the members, and leaves nothing for the rules', async () => {
    const lines = await convert();
    const threads = lines.filter((line) => line.rule === 'messaging.personal-threads');
    expect(threads.map(({ affected }) => affected)).toEqual([0, 0, 0, 0]);
    expect(await inbox()).toMatchObject({
      ...{ kind: 'shared', name: 'Front desk', ownerId: null, memberIds: [kim.userId, lee.userId] },
    });
    expect(await messages()).toMatchObject([{ text: 'Hello', sentBy: { name: 'Deleted user' } }]);
    expect((await messaging.call(kim, conversations.list, { query: { inboxId } })).items).toHaveLength(1);
    expect(await remaining()).toEqual([]);
  });

  it('is what keeps the threads: without it the rules delete them', async () => {
    const lines = await departs(messaging, robin, 'deleted', { preset: 'texting' });
    const deleted = lines.filter((line) => line.rule === 'messaging.personal-threads' && line.action === 'delete');
    expect(deleted.map(({ affected }) => affected)).toEqual([1, 1]);
    expect(await messages()).toEqual([]);
  });

  it('keeps scheduled messages, including those held during a deactivation', async () => {
    const { scheduled } = await compose(later());
    await departs(messaging, robin, 'deactivated', { preset: 'crm' });
    const status = async () =>
      (await messaging.call(admin, scheduledMessages.get, { params: { id: scheduled[0]!.id } })).status;
    expect(await status()).toBe('held');
    await departs(messaging, robin, 'deleted', { preset: 'crm', conversion: conversion() });
    expect(await status()).toBe('scheduled');
  });

  it('creates an inbox if the user had none, and numbers additional ones', async () => {
    const second = await messaging.call(robin, inboxes.create, { body: { kind: 'personal', name: 'Robin, too' } });
    await convert();
    expect([(await inbox()).name, (await inbox(second.id)).name]).toEqual(['Front desk', 'Front desk 2']);
    expect(await inbox(second.id)).toMatchObject({ kind: 'shared', memberIds: [kim.userId, lee.userId] });
    const id = messaging.ids.next();
    await departs(messaging, lee, 'deleted', { conversion: { inboxId: id, name: 'Empty', memberIds: [kim.userId] } });
    expect(await inbox(id)).toMatchObject({ kind: 'shared', name: 'Empty', memberIds: [kim.userId] });
  });

  it('leaves out members who have left', async () => {
    await departs(messaging, kim, 'deactivated');
    expect((await convert()).filter((line) => line.warning)).toEqual([]);
    expect((await inbox()).memberIds).toEqual([lee.userId]);
  });

  it('gives the inbox to the first admin, with a warning, if all members have left', async () => {
    await departs(messaging, kim, 'deactivated');
    await departs(messaging, lee, 'deleted');
    const warned = (await convert()).filter((line) => line.warning);
    expect(warned).toMatchObject([
      { rule: 'messaging.inbox-memberships', transition: 'deactivated', warning: 'members-have-left' },
      { rule: 'messaging.inbox-memberships', transition: 'deleted', warning: 'members-have-left' },
    ]);
    expect((await inbox()).memberIds).toEqual([admin.userId]);
  });

  it('fails, to be retried, while a member is not in the directory', async () => {
    const newcomer = { ...kim, userId: messaging.ids.next() };
    await expect(convert({ memberIds: [newcomer.userId] })).rejects.toThrow('not in the directory');
    expect((await inbox()).kind).toBe('personal');
  });

  it('happens once, even if the event is delivered repeatedly', async () => {
    const event = await departureOf(messaging, robin, 'deleted', { preset: 'texting', conversion: conversion() });
    const processor = messaging.get(EventProcessor);
    const [first] = await processor.apply([event]);
    const all = async () => (await messaging.call(admin, inboxes.list)).items;
    const after = await all();
    await messaging.call(admin, inboxes.create, { body: { kind: 'shared', name: 'Another' } });
    const [again] = await processor.apply([event, event]);
    expect(again).toEqual(first);
    expect((await all()).slice(1)).toEqual(after);
  });

  it('routes messages to the number into the shared inbox', async () => {
    await convert();
    await contacts.routesTo(kim.userId, { inboxId });
    const body = { to: '+14155550123', contactId, text: 'Are you open?' };
    expect(await messaging.call(admin, messageInbound, { body })).toMatchObject({ inboxId });
    expect((await messages()).map(({ text }) => text)).toEqual(['Are you open?', 'Hello']);
  });
});

describe('a conversion that is interrupted', () => {
  let bench: RuleBench;
  beforeAll(async () => {
    bench = await RuleBench.open({
      ...{ name: 'messaging', entities, rules: messagingRules, migrations },
      conversion: (ids) => new PersonalInboxConversion(ids),
    });
  });
  afterAll(() => bench.close());

  it('is applied completely or not at all, whichever statement the crash precedes', async () => {
    const robin = await bench.person();
    const kim = await bench.person({ accountId: robin.accountId });
    const [inboxId, id] = [bench.ids.next(), bench.ids.next()];
    const em = bench.em();
    const { accountId, userId: ownerId } = robin;
    em.create(Inbox, {
      id: inboxId,
      accountId,
      kind: 'personal',
      name: 'Robin',
      ownerId,
      createdAt: bench.clock.now(),
    });
    await em.flush();
    em.create(Conversation, {
      ...{ id, accountId, inboxId, contactId: bench.ids.next(), status: 'open', createdAt: bench.clock.now() },
    });
    await em.flush();
    const conversion = { inboxId, name: 'Front desk', memberIds: [kim.userId] };
    const rules = { 'messaging.personal-threads': { deleted: { action: 'delete' as const } } };
    const event = bench.leaving(robin, 'deleted', rules, { departure: { conversion } });
    const state = async () => {
      const fresh = bench.em();
      const { kind } = await fresh.findOneOrFail(Inbox, { id: inboxId });
      return [kind, await fresh.count(InboxMember, { inboxId }), await fresh.count(Conversation, { inboxId })];
    };
    let statement = 0;
    while (await crashes(++statement, bench.database.adminUrl, () => bench.processor.apply([event])))
      expect(await state()).toEqual(['personal', 0, 1]);
    expect(statement).toBeGreaterThan(8);
    expect(await state()).toEqual(['shared', 1, 1]);
  });
});
