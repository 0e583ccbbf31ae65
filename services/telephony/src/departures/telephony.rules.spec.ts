import { describe, it, expect, beforeAll, beforeEach, afterAll } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { CallbackChanges, ResolvedAction } from '#libs/contracts';
import { behavesLikeARule, coversEveryPersonalColumn, RuleBench, type Person } from '#libs/lifecycle/testing';
import { CallHistoryController } from '../call/call-history.controller.js';
import { PhoneCall } from '../call/phone-call.entity.js';
import { CallbackController } from '../callback/callback.controller.js';
import { Callback, type CallbackRow } from '../callback/callback.entity.js';
import { NumberController } from '../number/number.controller.js';
import { aNumber, anE164, telephony } from '../testing/numbers.js';
import { kept } from './kept.js';

behavesLikeARule(telephony, 'telephony.numbers', {
  row: (em, owner, bench) => aNumber(em, bench, owner, { ownerId: owner.userId, destinationUserId: owner.userId }),
  write: (bench, owner) => bench.create(NumberController, owner, { e164: anE164(), ownerId: owner.userId }),
});

behavesLikeARule(telephony, 'telephony.call-routing', {
  row: (em, owner, bench) => aNumber(em, bench, owner, { destinationUserId: owner.userId }),
  ways: {
    'creating a number that the user answers': (bench, owner) =>
      bench.call(NumberController, 'create', owner, {
        roles: ['admin'],
        body: { e164: anE164(), kind: 'shared', destinationUserId: owner.userId },
      }),
    'choosing the user to answer a number': {
      given: async (bench, owner) => {
        const body = { e164: anE164(), kind: 'shared' };
        const number = await bench.call(NumberController, 'create', owner, { roles: ['admin'], body });
        return (number as { id: string }).id;
      },
      write: (bench, owner, id) =>
        bench.call(NumberController, 'update', owner, {
          roles: ['admin'],
          params: { id },
          body: { destinationUserId: owner.userId },
        }),
    },
  },
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

async function given(bench: RuleBench, owner: Person, more: Partial<CallbackRow>): Promise<string> {
  const em = bench.em();
  const { id } = aCallback(em, bench, owner, more);
  await em.flush();
  return id;
}

const changeCallback = (bench: RuleBench, by: Person, id: string, body: CallbackChanges) =>
  bench.call(CallbackController, 'update', by, { params: { id }, body });

behavesLikeARule(telephony, 'telephony.callbacks', {
  row: (em, owner, bench) => aCallback(em, bench, owner),
  ways: {
    'creating a callback': (bench, owner) =>
      bench.create(CallbackController, owner, { contactId: bench.ids.next(), dueAt: '2030-01-01T00:00:00Z' }),
    'taking over an unassigned callback': {
      given: (bench, owner) => given(bench, owner, { assigneeId: null }),
      write: (bench, owner, id) => changeCallback(bench, owner, id, { assigneeId: owner.userId }),
    },
    'reopening a done callback': {
      given: (bench, owner) => given(bench, owner, { status: 'done' }),
      write: (bench, owner, id) => changeCallback(bench, owner, id, { status: 'pending' }),
    },
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
    const body = { numberId: number.id, to: '+14155550100' };
    return bench.call(CallHistoryController, 'place', owner, { body });
  },
});

coversEveryPersonalColumn(telephony, kept);

describe('the callbacks of a leaver', () => {
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

  it('stay assigned while the leaver is deactivated, and after a reactivation', async () => {
    await leaves('deactivated', { action: 'unassign' });
    expect(await assignees()).toEqual([{ status: 'pending', assigneeId: robin.userId }, done()]);
    await bench.processor.apply([bench.reactivation(robin)]);
    expect(await assignees()).toEqual([{ status: 'pending', assigneeId: robin.userId }, done()]);
  });

  it('are unassigned on deletion if they are pending', async () => {
    await leaves('deactivated', { action: 'unassign' });
    await leaves('deleted', { action: 'unassign' }, 3);
    expect(await assignees()).toEqual([{ status: 'pending', assigneeId: null }, done()]);
  });

  it("go to a successor if the account's policy says so", async () => {
    await leaves('deleted', { action: 'transfer', to: heir.userId });
    expect(await assignees()).toEqual([{ status: 'pending', assigneeId: heir.userId }, done()]);
  });
});
