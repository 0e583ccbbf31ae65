import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  departuresBulk,
  departuresList,
  notificationPreferencesGet,
  notificationPreferencesSet,
  NotificationChoices,
  policyPut,
  usersGet,
  validate,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../testing/departures.js';
import { ownerOf, type TestIdentity } from '../../testing/identity.js';
import { DepartureMailWorker } from './departure-mail.worker.js';
import { ReturnReminderWorker } from './return-reminder.worker.js';

const DAY = 86_400_000;

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let admin: Principal;
let leaver: Principal;
let receiver: Principal;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'crm' }));
  admin = await identity.aPerson(owner, { roles: ['admin'] });
  leaver = await identity.aPerson(owner, { roles: ['admin'] });
  receiver = await identity.aPerson(owner);
});
afterAll(() => departures.stop());

const inDays = (days: number) => new Date(identity.clock.millis() + days * DAY).toISOString();
const mute = (principal: Principal, body: NotificationChoices) =>
  identity.call(notificationPreferencesSet, { principal, body });

/** The mails about departures of the account, as "<kind> to <person>". */
async function told(): Promise<string[]> {
  await identity.get(DepartureMailWorker).drain();
  const people = { owner, admin, leaver, receiver };
  const names = Object.entries(people).map(([name, { userId }]): [string, string] => [userId, name]);
  const nameOf = new Map(names);
  const mails = (await identity.mails()).filter(
    ({ accountId, departure }) => departure && accountId === owner.accountId,
  );
  return mails
    .map(({ kind, userId, departure }) =>
      [kind, departure!.received, 'to', nameOf.get(userId)].filter(Boolean).join(' '),
    )
    .sort();
}

describe('a departure', () => {
  it('is told to its requester and to managers when it is complete, and to those who have received rows', async () => {
    await departures.peer.give(owner.accountId, leaver.userId, 'record', 3);
    const departure = await departures.deactivate(owner, leaver.userId, { successors: { default: receiver.userId } });
    await departures.until(owner, departure, 'completed');
    await eventually(async () =>
      expect(await told()).toEqual([
        'departure-completed to admin',
        'departure-completed to owner',
        'handover 3 to receiver',
      ]),
    );
    const { email } = await identity.call(usersGet, { principal: owner, params: { id: receiver.userId } });
    expect((await identity.mails(email!)).at(-1)).toMatchObject({
      departure: { id: departure.id, userId: leaver.userId, transition: 'deactivated', received: 3 },
    });
  });

  it('is told when it is scheduled, and a return again three days before it', async () => {
    await departures.deactivate(owner, leaver.userId, { effectiveAt: inDays(10), returnAt: inDays(20) });
    const scheduled = ['departure-scheduled to admin', 'departure-scheduled to owner'];
    expect(await told()).toEqual(scheduled);
    const reminders = identity.get(ReturnReminderWorker);
    await reminders.drain();
    expect(await told()).toEqual(scheduled);
    const other = await identity.aPerson(owner);
    const gone = await departures.deactivate(owner, other.userId, { returnAt: inDays(20) });
    await departures.until(owner, gone, 'completed');
    identity.clock.advanceDays(16);
    await reminders.drain();
    expect((await told()).filter((mail) => mail.startsWith('return'))).toEqual([]);
    identity.clock.advanceDays(2);
    await reminders.drain();
    await reminders.drain();
    expect((await told()).filter((mail) => mail.startsWith('return'))).toEqual([
      'return-reminder to admin',
      'return-reminder to leaver',
      'return-reminder to owner',
    ]);
  });

  it('that needs an approval is told to the managers who can give it', async () => {
    await identity.call(policyPut, { principal: owner, body: { approvals: { deleted: true } } });
    await departures.until(owner, await departures.deactivate(owner, leaver.userId), 'completed');
    await departures.delete(owner, leaver.userId);
    expect((await told()).filter((mail) => mail.startsWith('approval'))).toEqual(['approval-wanted to admin']);
  });

  it('of a list is not told', async () => {
    const users = [{ userId: leaver.userId }];
    await identity.call(departuresBulk, { principal: owner, body: { transition: 'deactivated', users } });
    await eventually(async () => {
      const { items } = await identity.call(departuresList, { principal: owner, query: { userId: leaver.userId } });
      expect(items).toMatchObject([{ status: 'completed' }]);
    });
    expect(await told()).toEqual([]);
  });

  it('is not told to those who have turned such mails off', async () => {
    const choices = await mute(admin, { departureCompleted: false, handover: true });
    expect(choices).toMatchObject({ departureCompleted: false, handover: true, departureFailed: true });
    expect(await identity.call(notificationPreferencesGet, { principal: admin })).toEqual(choices);
    const departure = await departures.deactivate(owner, receiver.userId);
    await departures.until(owner, departure, 'completed');
    await eventually(async () =>
      expect(await told()).toEqual(['departure-completed to leaver', 'departure-completed to owner']),
    );
  });
});

it('mails about security cannot be turned off', () => {
  expect(validate(NotificationChoices, { passwordChanged: false })).toHaveLength(1);
  expect(validate(NotificationChoices, { handover: false })).toEqual([]);
});
