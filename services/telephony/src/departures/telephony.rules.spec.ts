import { describe, it, expect, beforeAll, beforeEach, afterAll } from '@jest/globals';
import { RequestContext, type EntityManager } from '@mikro-orm/postgresql';
import type { CallbackChanges, ResolvedAction, ResolvedRules } from '#libs/contracts';
import { Directory } from '#libs/database';
import { preview } from '#libs/lifecycle';
import {
  behavesLikeARule,
  coversEveryPersonalColumn,
  RuleBench,
  type Person,
  type ServiceUnderTest,
} from '#libs/lifecycle/testing';
import { CallHistoryController } from '../call/call-history.controller.js';
import { PhoneCall } from '../call/phone-call.entity.js';
import { CallbackController } from '../callback/callback.controller.js';
import { Callback, type CallbackRow } from '../callback/callback.entity.js';
import { NumberController } from '../number/number.controller.js';
import { PhoneNumber, type PhoneNumberRow } from '../number/number.entity.js';
import { entities, migrations } from '../telephony.module.js';
import { kept } from './kept.js';
import { telephonyRules } from './telephony.rules.js';

const telephony: ServiceUnderTest = { name: 'telephony', entities, rules: telephonyRules, migrations };

let issued = 0;
const anE164 = () => `+1415${String(++issued).padStart(7, '0')}`;

function aNumber(em: EntityManager, bench: RuleBench, { accountId }: Person, more: Partial<PhoneNumberRow>) {
  const nobodys = { ownerId: null, destinationUserId: null, quarantinedFromId: null, releaseAt: null, movedToId: null };
  const base = { id: bench.ids.next(), accountId, e164: anE164(), createdAt: bench.clock.now(), ...nobodys };
  return em.create(PhoneNumber, { ...base, kind: more.ownerId ? 'personal' : 'shared', state: 'assigned', ...more });
}

behavesLikeARule(telephony, 'telephony.numbers', {
  row: (em, owner, bench) => aNumber(em, bench, owner, { ownerId: owner.userId, destinationUserId: owner.userId }),
  write: (bench, owner) => bench.create(NumberController, owner, { e164: anE164(), ownerId: owner.userId }),
});

behavesLikeARule(telephony, 'telephony.call-routing', {
  row: (em, owner, bench) => aNumber(em, bench, owner, { destinationUserId: owner.userId }),
  write: (bench, owner) =>
    bench.create(NumberController, owner, { e164: anE164(), kind: 'shared', destinationUserId: owner.userId }),
});

function aCallback(
  em: EntityManager,
  bench: RuleBench,
  { accountId, userId }: Person,
  more: Partial<CallbackRow> = {},
) {
  const about = { contactId: bench.ids.next(), dueAt: bench.clock.now(), createdAt: bench.clock.now() };
  const base = { id: bench.ids.next(), accountId, assigneeId: userId, status: 'pending' as const };
  return em.create(Callback, { ...base, ...about, ...more });
}

/** Changes a callback, in a transaction of its own. */
function changeCallback(bench: RuleBench, by: Person, id: string, body: CallbackChanges) {
  const em = bench.orm.em as EntityManager;
  const controller = new CallbackController(em, new Directory(em), bench.ids, bench.clock);
  const call = { principal: { ...by, roles: ['agent'] as const }, params: { id }, query: {}, body };
  return RequestContext.create(em, () => em.transactional(() => controller.update(call)));
}

behavesLikeARule(telephony, 'telephony.callbacks', {
  row: (em, owner, bench) => aCallback(em, bench, owner),
  // By making one, by taking over nobody's, and by opening again what is done.
  write: async (bench, owner) => {
    const em = bench.em();
    const nobodys = aCallback(em, bench, owner, { assigneeId: null });
    const done = aCallback(em, bench, owner, { status: 'done' });
    await em.flush();
    const attempts = await Promise.allSettled([
      bench.create(CallbackController, owner, { contactId: bench.ids.next(), dueAt: '2030-01-01T00:00:00Z' }),
      changeCallback(bench, owner, nobodys.id, { assigneeId: owner.userId }),
      changeCallback(bench, owner, done.id, { status: 'pending' }),
    ]);
    const refused = attempts.filter((attempt) => attempt.status === 'rejected');
    if (refused.length === attempts.length) throw refused[0]!.reason;
  },
});

behavesLikeARule(telephony, 'telephony.call-history', {
  row: (em, { accountId, userId }, bench) => {
    const call = {
      direction: 'inbound' as const,
      outcome: 'routed' as const,
      numberId: null,
      from: null,
      to: anE164(),
    };
    em.create(PhoneCall, { id: bench.ids.next(), accountId, userId, ...call, createdAt: bench.clock.now() });
  },
  write: async (bench, owner) => {
    const rows = bench.em();
    const number = aNumber(rows, bench, owner, {});
    await rows.flush();
    const em = bench.orm.em as EntityManager;
    const controller = new CallHistoryController(em, new Directory(em), bench.ids, bench.clock);
    const principal = { ...owner, roles: ['agent'] as const };
    const call = { principal, params: {}, query: {}, body: { numberId: number.id, to: '+14155550100' } };
    return RequestContext.create(em, () => em.transactional(() => controller.place(call)));
  },
});

coversEveryPersonalColumn(telephony, kept);

describe('the callbacks of somebody who leaves', () => {
  let bench: RuleBench;
  let robin: Person;
  let heir: Person;
  beforeAll(async () => {
    bench = await RuleBench.open(telephony);
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    robin = await bench.person();
    heir = await bench.admin(robin.accountId);
    const em = bench.em();
    aCallback(em, bench, robin);
    aCallback(em, bench, robin, { status: 'done' });
    await em.flush();
  });

  const assignees = async () =>
    (await bench.em().find(Callback, { accountId: robin.accountId }, { orderBy: { id: 'asc' } })).map(
      ({ status, assigneeId }) => ({ status, assigneeId }),
    );
  const leaves = (transition: 'deactivated' | 'deleted', deleted: ResolvedAction, lifecycleVersion = 2) => {
    const rules = { 'telephony.callbacks': { deactivated: { action: 'keep' as const }, deleted } };
    return bench.processor.apply([bench.leaving(robin, transition, rules, { lifecycleVersion })]);
  };
  const done = () => ({ status: 'done', assigneeId: robin.userId });

  it('stay with them while they are deactivated, and after a reactivation', async () => {
    await leaves('deactivated', { action: 'unassign' });
    expect(await assignees()).toEqual([{ status: 'pending', assigneeId: robin.userId }, done()]);
    await bench.processor.apply([bench.reactivation(robin)]);
    expect(await assignees()).toEqual([{ status: 'pending', assigneeId: robin.userId }, done()]);
  });

  it('are nobody’s when they are deleted, if they are pending', async () => {
    await leaves('deactivated', { action: 'unassign' });
    await leaves('deleted', { action: 'unassign' }, 3);
    expect(await assignees()).toEqual([{ status: 'pending', assigneeId: null }, done()]);
  });

  it('go to a successor where the account wants it so', async () => {
    await leaves('deleted', { action: 'transfer', to: heir.userId });
    expect(await assignees()).toEqual([{ status: 'pending', assigneeId: heir.userId }, done()]);
  });
});

describe('the numbers of somebody who leaves', () => {
  let bench: RuleBench;
  let robin: Person;
  let heir: Person;
  beforeAll(async () => {
    bench = await RuleBench.open(telephony);
  });
  afterAll(() => bench.close());

  const numbers = async (): Promise<PhoneNumberRow[]> =>
    bench.em().find(PhoneNumber, { accountId: robin.accountId }, { orderBy: { id: 'asc' } });

  async function given(...more: ((robin: Person, heir: Person) => Partial<PhoneNumberRow>)[]): Promise<void> {
    robin = await bench.person();
    heir = await bench.admin(robin.accountId);
    const em = bench.em();
    for (const one of more) aNumber(em, bench, robin, one(robin, heir));
    await em.flush();
  }

  const restore = (id: string) => {
    const em = bench.orm.em as EntityManager;
    const controller = new NumberController(em, new Directory(em), bench.ids, bench.clock);
    const principal = { ...heir, roles: ['admin'] as const };
    const call = { principal, params: { id }, query: {}, body: { ownerId: heir.userId } };
    return RequestContext.create(em, () => em.transactional(() => controller.restore(call)));
  };

  const own = ({ userId }: Person) => ({ ownerId: userId, destinationUserId: userId });

  const linesOf = async (rules: ResolvedRules) => {
    const request = { ...robin, steps: ['deleted' as const], activeSince: 1, wasManager: false, rules };
    return preview(bench.em().getKysely(), bench.rules, request, bench.clock.now());
  };

  it('are released when a week is over, and nobody’s until then', async () => {
    await given(own);
    await bench.processor.apply([
      bench.leaving(robin, 'deleted', { 'telephony.numbers': { deleted: { action: 'release-after', days: 7 } } }),
    ]);
    expect(await numbers()).toMatchObject([
      { state: 'quarantined', ownerId: null, destinationUserId: null, quarantinedFromId: robin.userId },
    ]);
    bench.clock.advanceDays(6);
    await bench.scheduled.drain();
    expect(await numbers()).toMatchObject([{ state: 'quarantined' }]);
    bench.clock.advanceDays(1);
    await bench.scheduled.drain();
    expect(await numbers()).toMatchObject([{ state: 'released', quarantinedFromId: null }]);
  });

  it('stay with whoever gets them back in time: the release no longer finds them', async () => {
    await given(own, own);
    await bench.processor.apply([
      bench.leaving(robin, 'deleted', { 'telephony.numbers': { deleted: { action: 'release-after', days: 7 } } }),
    ]);
    const [first] = await numbers();
    bench.clock.advanceDays(3);
    await restore(first!.id);
    bench.clock.advanceDays(5);
    await bench.scheduled.drain();
    expect(await numbers()).toMatchObject([{ state: 'assigned', ownerId: heir.userId }, { state: 'released' }]);
  });

  describe('come back with a return that asks for it', () => {
    const rules: ResolvedRules = { 'telephony.numbers': { deactivated: { action: 'release-after', days: 7 } } };
    const leave = () => bench.processor.apply([bench.leaving(robin, 'deactivated', rules)]);
    const comeBack = async () => (await bench.processor.apply([bench.reactivation(robin, 3, 'all')])).at(-1)!.rules;

    it('from quarantine, unless somebody has got them meanwhile', async () => {
      await given(own, own);
      const before = await numbers();
      await leave();
      await restore(before[0]!.id);
      expect(await comeBack()).toMatchObject([{ affected: 1, notRestored: 1, warning: 'changed-since' }]);
      expect(await numbers()).toMatchObject([own(heir), { ...own(robin), state: 'assigned', releaseAt: null }]);
    });

    it('but not from the public pool', async () => {
      await given(own);
      await leave();
      bench.clock.advanceDays(7);
      await bench.scheduled.drain();
      expect(await comeBack()).toMatchObject([{ affected: 0, notRestored: 1, warning: 'cannot-be-restored' }]);
      expect(await numbers()).toMatchObject([{ state: 'released', ownerId: null }]);
    });

    it('with whoever answered them, if that person is still there', async () => {
      await given();
      const people = [
        await bench.person({ accountId: robin.accountId }),
        await bench.person({ accountId: robin.accountId }),
      ];
      const em = bench.em();
      for (const { userId } of people) aNumber(em, bench, robin, { ownerId: robin.userId, destinationUserId: userId });
      await em.flush();
      await leave();
      await bench.processor.apply([bench.leaving(people[1]!, 'deactivated', {})]);
      expect(await comeBack()).toMatchObject([{ affected: 2, notRestored: 0 }]);
      const back = { ownerId: robin.userId, state: 'assigned' };
      expect(await numbers()).toMatchObject([
        { ...back, destinationUserId: people[0]!.userId },
        { ...back, destinationUserId: null },
      ]);
    });
  });

  it('are transferred together with their calls, unless somebody else answers them', async () => {
    await given(own);
    const colleague = await bench.person({ accountId: robin.accountId });
    const em = bench.em();
    aNumber(em, bench, robin, { ownerId: robin.userId, destinationUserId: colleague.userId });
    await em.flush();
    await bench.processor.apply([
      bench.leaving(robin, 'deactivated', {
        'telephony.numbers': { deactivated: { action: 'transfer', to: heir.userId } },
      }),
    ]);
    expect(await numbers()).toMatchObject([own(heir), { ownerId: heir.userId, destinationUserId: colleague.userId }]);
  });

  it('count once, under the rule that deals with them', async () => {
    await given(
      own,
      ({ userId }) => ({ destinationUserId: userId }),
      (_, other) => ({
        ownerId: other.userId,
        destinationUserId: robin.userId,
      }),
    );
    const rules: ResolvedRules = {
      'telephony.numbers': { deleted: { action: 'release-after', days: 7 } },
      'telephony.call-routing': { deleted: { action: 'unassign' } },
    };
    const foreseen = (await linesOf(rules)).map(({ rule, count }) => ({ rule, count }));
    expect(foreseen).toEqual([
      { rule: 'telephony.numbers', count: 1 },
      { rule: 'telephony.call-routing', count: 2 },
    ]);
    const [receipt] = await bench.processor.apply([bench.leaving(robin, 'deleted', rules)]);
    expect(receipt!.rules.map(({ rule, affected }) => ({ rule, count: affected }))).toEqual(foreseen);
    expect((await numbers()).map((number) => number.destinationUserId)).toEqual([null, null, null]);
  });

  it('are listed and named in the preview where they stand in the way', async () => {
    await given(own, ({ userId }) => ({ destinationUserId: userId }));
    const [mine, answered] = await numbers();
    const lines = await linesOf({
      'telephony.numbers': { deleted: { action: 'block' } },
      'telephony.call-routing': { deleted: { action: 'block' } },
    });
    expect(lines).toMatchObject([
      { count: 1, items: [mine!.id], detail: expect.stringContaining(mine!.e164) },
      { count: 1, items: [answered!.id], detail: expect.stringContaining(answered!.e164) },
    ]);
    expect(lines[1]!.detail).not.toContain(mine!.e164);
  });
});
