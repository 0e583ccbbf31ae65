import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Ask, ContactsMoved, ContactsMovedAnswer, ResolvedAction, Transition } from '#libs/contracts';
import { RuleBench, type Person } from '#libs/lifecycle/testing';
import { PhoneNumber, type PhoneNumberRow } from '../number/number.entity.js';
import { telephony } from '../testing/numbers.js';
import { addContacts } from './number-contacts.js';

const confirms = ({ contactIds }: ContactsMoved): ContactsMovedAnswer => ({ done: true, moved: contactIds.length });
/** What the contacts service gets, and how it answers. */
const sent: ContactsMoved[] = [];
let answer: (moved: ContactsMoved) => ContactsMovedAnswer = confirms;
async function ask<Request, Answer>(_ask: Ask<Request, Answer>, request: Request): Promise<Answer> {
  sent.push(request as ContactsMoved);
  return answer(request as ContactsMoved) as Answer;
}

describe('the contacts of a leaver’s numbers', () => {
  let bench: RuleBench;
  let robin: Person;
  let heir: Person;
  let issued = 0;
  beforeAll(async () => {
    bench = await RuleBench.open({ ...telephony, client: { ask } });
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    sent.length = 0;
    answer = confirms;
    robin = await bench.person();
    heir = await bench.person({ accountId: robin.accountId });
    await bench.admin(robin.accountId);
  });

  async function aNumber(more: Partial<PhoneNumberRow>): Promise<string[]> {
    const em = bench.em();
    const [id, contactId] = [bench.ids.next(), bench.ids.next()];
    const { accountId } = robin;
    const fresh = { kind: 'personal', state: 'assigned', createdAt: bench.clock.now() } as const;
    em.create(PhoneNumber, { id, accountId, e164: `+1415${String(++issued).padStart(7, '0')}`, ...fresh, ...more });
    await em.flush();
    await addContacts(em.getKysely(), { id, accountId }, [contactId], bench.clock.now());
    return [contactId];
  }
  const owned = ({ userId }: Person) => aNumber({ ownerId: userId, destinationUserId: userId });
  const leaves = (
    numbers: ResolvedAction,
    callRouting: ResolvedAction = { action: 'keep' },
    transition: Transition = 'deactivated',
  ) =>
    bench.processor.apply([
      bench.leaving(robin, transition, {
        'telephony.numbers': { [transition]: numbers },
        'telephony.call-routing': { [transition]: callRouting },
      }),
    ]);
  const areAnswered = async () => {
    bench.clock.advanceDays(1);
    await bench.remote.drain();
    return bench.receipts.all.at(-1)!;
  };
  const transfer = () => ({ action: 'transfer' as const, to: heir.userId });
  const moved = (contactIds: string[], rule = 'telephony.numbers', undoable = true) => ({
    id: expect.any(String),
    accountId: robin.accountId,
    contactIds: [...contactIds].sort(),
    userId: heir.userId,
    after: { userId: robin.userId, lifecycleVersion: 2 },
    departure: { rule, decidedAt: expect.any(String), undoable },
  });

  it('go to the user who takes over the numbers, and the receipt counts those that have moved', async () => {
    const [first, second] = [await owned(robin), await owned(robin)];
    await owned(heir);
    const [receipt] = await leaves(transfer());
    expect(receipt).toMatchObject({ status: 'running' });
    answer = () => ({ done: true, moved: 1 });
    const confirmed = await areAnswered();
    expect(sent).toEqual([moved([...first, ...second])]);
    expect(confirmed).toMatchObject({ status: 'completed' });
    expect(confirmed.rules).toMatchObject([
      { rule: 'telephony.numbers', affected: 2 },
      { rule: 'telephony.numbers', part: 'contacts', affected: 1 },
      { rule: 'telephony.call-routing', action: 'keep' },
    ]);
  });

  it('go to the user who takes over answering, if another user owns the number', async () => {
    const contacts = await aNumber({ ownerId: heir.userId, destinationUserId: robin.userId });
    await leaves({ action: 'keep' }, transfer());
    await areAnswered();
    expect(sent).toEqual([moved(contacts, 'telephony.call-routing')]);
  });

  it('are not given back after a deletion', async () => {
    const contacts = await owned(robin);
    await leaves(transfer(), { action: 'keep' }, 'deleted');
    await areAnswered();
    expect(sent).toEqual([moved(contacts, 'telephony.numbers', false)]);
  });

  it.each(['keep', 'release-after'] as const)('stay where they are when the action is %s', async (action) => {
    await owned(robin);
    await leaves({ action, ...(action === 'release-after' && { days: 7 }) });
    await areAnswered();
    expect(sent).toEqual([]);
  });

  it.each([
    ['of an earlier version answers without a number', { done: true }],
    ['has not applied the departure', { done: false }],
    ['knows a newer decision', { done: false, superseded: true }],
  ])('are sent again if the contacts service %s', async (_why, first) => {
    await owned(robin);
    await leaves(transfer());
    answer = () => first;
    await areAnswered();
    answer = () => ({ done: true, moved: 1 });
    expect(await areAnswered()).toMatchObject({ status: 'completed' });
    expect(sent.length).toBeGreaterThan(1);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
  });

  it('come back with a return that restores the rule, answering after owning', async () => {
    await aNumber({ ownerId: robin.userId, destinationUserId: robin.userId });
    await aNumber({ ownerId: heir.userId, destinationUserId: robin.userId });
    await leaves(transfer(), transfer());
    await areAnswered();
    sent.length = 0;
    const [back] = await bench.processor.apply([bench.reactivation(robin, 3, 'all')]);
    expect(back).toMatchObject({ status: 'running' });
    answer = () => ({ done: true, moved: 0, notRestored: 1 });
    const confirmed = await areAnswered();
    const after = { userId: robin.userId, lifecycleVersion: 3 };
    expect(sent).toMatchObject([
      { contactIds: [], after, undoes: { rule: 'telephony.call-routing', lifecycleVersion: 2 } },
      { contactIds: [], after, undoes: { rule: 'telephony.numbers', lifecycleVersion: 2 } },
    ]);
    expect(confirmed.status).toBe('completed');
    expect(confirmed.rules.filter(({ part }) => part)).toMatchObject(
      Array(2).fill({ part: 'contacts', affected: 0, notRestored: 1, warning: 'changed-since' }),
    );
  });

  it('are moved once, however often the event is delivered', async () => {
    await owned(robin);
    const event = bench.leaving(robin, 'deleted', { 'telephony.numbers': { deleted: transfer() } });
    await bench.processor.apply([event]);
    await bench.processor.apply([event]);
    await areAnswered();
    expect(sent).toHaveLength(1);
  });
});
