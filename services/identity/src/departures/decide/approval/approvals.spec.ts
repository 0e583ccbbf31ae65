import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { departureEvents, departuresList, policyPut, usersConvert } from '#libs/contracts';
import { eventually } from '#libs/test-kit';
import { ApprovalCast, DESTRUCTIVE, problemOf } from '../../../testing/approvals.js';
import { TestDepartures } from '../../../testing/departures.js';
import { outcomeOf, ownerOf, tally, type TestIdentity } from '../../../testing/identity.js';
import { ScheduleWorker } from '../schedule/schedule.worker.js';

const DAY = 86_400_000;

let departures: TestDepartures;
let identity: TestIdentity;
let cast: ApprovalCast;
beforeAll(async () => {
  departures = await TestDepartures.start();
  ({ identity } = departures);
});
beforeEach(async () => {
  cast = await ApprovalCast.of(departures);
});
afterAll(() => departures.stop());

describe('a departure that needs an approval', () => {
  it('waits, changes nothing, and lists, trail and subscribers know of it', async () => {
    const waiting = await cast.remove({ reason: 'Left the company' });
    expect(waiting).toMatchObject({
      status: 'awaiting-approval',
      transition: 'deleted',
      requestedBy: cast.ada.userId,
      reason: 'Left the company',
      services: [],
      approval: { neededFor: ['deleted'], requestedBy: cast.ada.userId, immediate: true },
    });
    const days = (Date.parse(waiting.approval!.expiresAt) - Date.parse(waiting.requestedAt)) / DAY;
    expect(days).toBeCloseTo(7, 3);
    expect(await cast.status()).toBe('active');
    const query = { status: 'awaiting-approval' as const };
    const { items } = await identity.call(departuresList, { principal: cast.ben, query });
    expect(items).toMatchObject([{ id: waiting.id, approval: { neededFor: ['deleted'] } }]);
    expect(await cast.audited('departure.approval-requested')).toMatchObject([
      { actor: { id: cast.ada.userId }, detail: { departureId: waiting.id, neededFor: ['deleted'] } },
    ]);
    expect(await cast.newsOf(waiting)).toEqual(['departure.approval-requested']);
    const { events, final } = await identity.client.ask(departureEvents, {
      ...{ accountId: cast.owner.accountId, departureId: waiting.id, after: 0 },
    });
    expect([events, final]).toEqual([[], false]);
  });

  it('is carried out when another manager approves it', async () => {
    const waiting = await cast.remove();
    identity.clock.advance(60_000);
    const approved = await cast.approve(waiting);
    expect(approved).toMatchObject({
      id: waiting.id,
      status: 'running',
      requestedBy: cast.ada.userId,
      approval: { decidedBy: cast.ben.userId, decidedAt: expect.any(String) },
    });
    expect(Date.parse(approved.effectiveAt)).toBeGreaterThanOrEqual(Date.parse(waiting.requestedAt) + 60_000);
    await departures.until(cast.owner, waiting, 'completed');
    expect(await cast.status()).toBe('deleted');
    expect((await cast.audited()).map(({ action, actor }) => [action, actor?.id])).toEqual(
      expect.arrayContaining([
        ['departure.approved', cast.ben.userId],
        ['user.deleted', cast.ben.userId],
        ['departure.approval-requested', cast.ada.userId],
      ]),
    );
    await eventually(async () =>
      expect(await cast.newsOf(waiting)).toEqual(['departure.approval-requested', 'departure.started']),
    );
  });

  it('shows what contacts are told, tells them when it is approved, and forgets it when it is refused', async () => {
    const tellContacts = { text: 'The person you write to has left.' };
    const refused = await cast.remove({ tellContacts });
    expect(refused).toMatchObject({ status: 'awaiting-approval', tellContacts });
    expect(await cast.refuse(refused)).not.toHaveProperty('tellContacts');
    const waiting = await cast.remove({ tellContacts });
    expect(await cast.approve(waiting)).toMatchObject({ status: 'running', tellContacts });
  });

  it('is not needed for a deactivation by the policy, and not for what the policy erases', async () => {
    await identity.call(policyPut, { principal: cast.owner, body: { eraseAfterDays: 1 } });
    expect((await cast.deactivate()).status).toBe('running');
    identity.clock.advanceDays(1);
    await identity.get(ScheduleWorker).drain();
    await eventually(async () => expect(await cast.status()).toBe('deleted'));
  });

  it('is needed for overrides that destroy more than the policy', async () => {
    await cast.choose({ deleted: false, destructive: true });
    const waiting = await cast.deactivate(DESTRUCTIVE);
    expect(waiting).toMatchObject({ ...DESTRUCTIVE, approval: { neededFor: ['destructive'] } });
    await departures.peer.give(cast.owner.accountId, cast.leaver.userId, 'record');
    expect(await outcomeOf(cast.approve(waiting))).toBe('plan-stale');
    const { planToken } = await departures.previewOf(cast.ben, cast.leaver.userId, {
      transition: 'deactivated',
      ...DESTRUCTIVE,
    });
    await cast.approve(waiting, cast.ben, { planToken });
    await departures.until(cast.owner, waiting, 'completed');
    expect(await departures.peer.owned(cast.leaver.userId, 'record')).toBe(0);
  });

  it('is needed for a conversion, which keeps its inbox', async () => {
    const body = { name: 'Front desk', memberIds: [cast.ben.userId] };
    const waiting = await identity.call(usersConvert, {
      principal: cast.ada,
      params: { id: cast.leaver.userId },
      body,
    });
    expect(waiting).toMatchObject({ status: 'awaiting-approval', inboxId: expect.any(String) });
    expect(await cast.approve(waiting)).toMatchObject({ status: 'running', inboxId: waiting.inboxId });
    const [event] = await identity.query(sql`
      select event->'data'->'departure'->'conversion' as conversion from outbox where user_id = ${cast.leaver.userId}`);
    expect(event).toEqual({ conversion: { ...body, inboxId: waiting.inboxId } });
  });

  it('is requested once: a second request names the one that waits', async () => {
    const { id } = await cast.remove();
    expect(await problemOf(cast.remove({}, cast.ben))).toMatchObject({ code: 'conflict', details: { items: [id] } });
    expect((await tally([cast.remove(), cast.remove({}, cast.ben)])).conflict).toBe(2);
  });

  it('is refused at once by the guards, and if nobody else could approve it', async () => {
    expect(await outcomeOf(departures.delete(cast.owner, cast.owner.userId))).toBe('sole-owner');
    await cast.choose({ deleted: false });
    await departures.deactivate(cast.owner, cast.ada.userId);
    await identity.call(policyPut, { principal: cast.owner, body: { approvals: { deleted: true } } });
    expect(await outcomeOf(departures.delete(cast.owner, cast.ben.userId))).toBe('no-approver');
    expect(await outcomeOf(cast.remove({}, cast.owner))).toBe('ok');
  });
});

describe('who may decide', () => {
  it('is not the user who requested it, neither with another session nor with a token', async () => {
    const waiting = await cast.remove();
    const { sessionId: _session, ...token } = cast.ada;
    for (const by of [cast.ada, await identity.signedIn(cast.ada), token])
      expect([await outcomeOf(cast.approve(waiting, by)), await outcomeOf(cast.refuse(waiting, by))]).toEqual([
        'own-request',
        'own-request',
      ]);
    expect(await outcomeOf(cast.approve(waiting))).toBe('ok');
  });

  it('is an active manager of the account, and an owner if the leaver is one', async () => {
    const waiting = await cast.remove();
    const agent = await identity.aPerson(cast.owner, { roles: ['agent'] });
    expect(await outcomeOf(cast.approve(waiting, agent))).toBe('forbidden');
    expect(await outcomeOf(cast.approve(waiting, { ...agent, roles: ['admin'] }))).toBe('forbidden');
    const other = ownerOf(await identity.anAccount());
    expect(await outcomeOf(cast.approve(waiting, other))).toBe('not-found');
    expect(await outcomeOf(cast.refuse(waiting, other))).toBe('not-found');
    const second = await identity.aPerson(cast.owner, { roles: ['owner'] });
    const third = await identity.aPerson(cast.owner, { roles: ['owner'] });
    const ofOwner = await departures.delete(cast.owner, second.userId);
    expect(await outcomeOf(cast.approve(ofOwner))).toBe('forbidden');
    expect(await outcomeOf(cast.approve(ofOwner, third))).toBe('ok');
    await departures.deactivate(cast.owner, cast.ben.userId);
    expect(await outcomeOf(cast.approve(waiting))).toBe('unauthenticated');
  });

  it('does not include a requester whose request has got another name', async () => {
    const waiting = await cast.remove();
    const overrides = { 'identity.scheduled-departures': 'transfer' as const };
    const successors = { 'identity.scheduled-departures': cast.ben.userId };
    await departures.until(
      cast.owner,
      await departures.deactivate(cast.owner, cast.ada.userId, { overrides, successors }),
      'completed',
    );
    expect(await departures.get(cast.owner, waiting.id)).toMatchObject({ requestedBy: cast.ben.userId });
    await departures.reactivate(cast.owner, cast.ada.userId);
    expect(await outcomeOf(cast.approve(waiting, cast.ada))).toBe('own-request');
    expect(await outcomeOf(cast.approve(waiting, cast.ben))).toBe('own-request');
    expect(await outcomeOf(cast.approve(waiting, cast.owner))).toBe('ok');
  });
});

describe('a refusal', () => {
  it('ends the request and gives the reason', async () => {
    const waiting = await cast.remove();
    expect(await cast.refuse(waiting)).toMatchObject({
      status: 'cancelled',
      error: 'approval-refused',
      approval: { decidedBy: cast.ben.userId, reason: 'Still needed' },
    });
    expect(await cast.audited('departure.approval-refused')).toMatchObject([{ actor: { id: cast.ben.userId } }]);
    expect(await cast.audited('departure.cancelled')).toEqual([]);
    expect(await cast.newsOf(waiting)).toEqual(['departure.approval-requested', 'departure.cancelled']);
    expect(await outcomeOf(cast.approve(waiting))).toBe('conflict');
    expect((await cast.remove()).status).toBe('awaiting-approval');
  });

  it('loses its reason when the leaver is deleted', async () => {
    const waiting = await cast.remove();
    await cast.refuse(waiting);
    await cast.choose({ deleted: false });
    await departures.until(cast.owner, await cast.remove(), 'completed');
    expect((await departures.get(cast.owner, waiting.id)).approval).not.toHaveProperty('reason');
  });
});
