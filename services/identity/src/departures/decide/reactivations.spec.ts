import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  invitationsAccept,
  NOBODY,
  usersGet,
  usersTransfer,
  type Departure,
  type InvitedUser,
  type Principal,
} from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { TestDepartures } from '../../testing/departures.js';
import { outcomeOf, ownerOf, PASSWORD, type TestIdentity } from '../../testing/identity.js';
import { Provider } from '../../testing/provider.js';
import { ScheduleWorker } from './schedule/schedule.worker.js';

let departures: TestDepartures;
let identity: TestIdentity;
let owner: Principal;
let invited: InvitedUser;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  owner = ownerOf(await identity.anAccount({ preset: 'helpdesk' }));
  invited = await identity.aUser(owner, { password: undefined });
});
afterAll(() => departures.stop());

const inDays = (days: number) => new Date(identity.clock.millis() + days * 86_400_000).toISOString();
const deactivate = (body = {}) => departures.deactivate(owner, invited.id, body);
const reactivate = (): Promise<Departure> => departures.reactivate(owner, invited.id);
const statusOf = async (id = invited.id) =>
  (await identity.call(usersGet, { principal: owner, params: { id } })).status;
const accept = (token: string) =>
  identity.call(invitationsAccept, { principal: NOBODY, body: { token, password: PASSWORD } });
const openInvitations = () =>
  identity.query<{ invited_by: string | null }>(sql`
    select invited_by from invitation where user_id = ${invited.id} and revoked_at is null and accepted_at is null`);
const isActive = (active: boolean) => [{ op: 'replace', value: { active } }];

describe('somebody invited who is deactivated and reactivated', () => {
  it('is invited again, in the name of the user who reactivated them', async () => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    await deactivate();
    const { id, invitation } = await departures.reactivate(admin, invited.id);
    expect(await statusOf()).toBe('invited');
    expect(await openInvitations()).toEqual([{ invited_by: admin.userId }]);
    expect(await outcomeOf(accept(invited.invitation!.token!))).toBe('gone');
    expect((await accept(invitation!.token!)).user).toMatchObject({ id: invited.id, status: 'active' });
    expect(await departures.until(owner, { id }, 'completed')).not.toHaveProperty('invitation');
  });

  it.each<[string, (provider: Provider) => Promise<unknown>]>([
    ['PATCH', (provider) => provider.users.change(invited.id, isActive(true))],
    ['POST', (provider) => provider.users.create({ userName: invited.email!, displayName: 'Uma' })],
  ])('by the identity provider with %s is, too', async (_, reactivateBy) => {
    const provider = await Provider.of(identity, owner);
    await provider.users.change(invited.id, isActive(false));
    expect(await reactivateBy(provider)).toMatchObject({ active: true });
    expect(await statusOf()).toBe('invited');
    expect(await openInvitations()).toEqual([{ invited_by: null }]);
  });

  it.each([
    ['is, too', false],
    ['has no inviter if the requester has left', true],
  ])('on the day of a scheduled return %s', async (_, hasLeft) => {
    const admin = await identity.aPerson(owner, { roles: ['admin'] });
    await departures.deactivate(admin, invited.id, { returnAt: inDays(1) });
    if (hasLeft) await departures.deactivate(owner, admin.userId);
    identity.clock.advanceDays(1);
    identity.get(ScheduleWorker).wake();
    await eventually(async () => expect(await statusOf()).toBe('invited'));
    expect(await openInvitations()).toEqual([{ invited_by: hasLeft ? null : admin.userId }]);
  });

  it('any number of times', async () => {
    for (let n = 0; n < 3; n++) {
      await deactivate();
      await reactivate();
    }
    expect(await statusOf()).toBe('invited');
    expect(await openInvitations()).toHaveLength(1);
  });
});

describe('somebody active who is reactivated stays active', () => {
  it('with the password that they have', async () => {
    const { userId } = await identity.aPerson(owner);
    await departures.deactivate(owner, userId);
    expect(await departures.reactivate(owner, userId)).not.toHaveProperty('invitation');
    expect(await statusOf(userId)).toBe('active');
  });

  it('also after a transfer, when they have still to choose one', async () => {
    const { userId } = await identity.aPerson(owner);
    const body = { name: 'Vera', email: 'vera@example.com', staffId: 'V1' };
    await identity.call(usersTransfer, { principal: owner, params: { id: userId }, body });
    await departures.deactivate(owner, userId);
    await departures.reactivate(owner, userId);
    expect(await statusOf(userId)).toBe('active');
  });

  it('also after having accepted an invitation in between', async () => {
    await deactivate();
    const { invitation } = await reactivate();
    await accept(invitation!.token!);
    await deactivate();
    await reactivate();
    expect(await statusOf()).toBe('active');
  });
});
