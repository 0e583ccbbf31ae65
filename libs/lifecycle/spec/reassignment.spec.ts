import type { DepartureFacts, ResolvedRules, UserEvent } from '#libs/contracts';
import type { Person } from '#libs/lifecycle/testing';
import { AtTheDesk, unassignChairs } from './at-the-desk.js';

describe('a reassignment', () => {
  const at = AtTheDesk.open();
  let heir: Person;
  beforeEach(async () => {
    heir = await at.bench.admin(at.robin.accountId);
  });
  const reassignment = (lifecycleVersion = 2) => {
    const rules: ResolvedRules = { 'desk.chairs': { reassigned: { action: 'transfer', to: heir.userId } } };
    return at.bench.leaving(at.robin, 'reassigned', rules, { lifecycleVersion });
  };
  const deactivation = (lifecycleVersion: number, departure: Partial<DepartureFacts> = {}): UserEvent => {
    const { policy } = at.bench.leaving(at.robin, 'deactivated', unassignChairs).data.departure!;
    return at.bench.leaving(at.robin, 'deactivated', {}, { lifecycleVersion, departure: { ...departure, policy } });
  };
  const linesOf = ({ data }: UserEvent) =>
    at.receiptsOf(at.robin).findLast(({ lifecycleVersion }) => lifecycleVersion === data.lifecycleVersion)!.rules;

  it('is what a rule declares that can transfer or replace', () => {
    const handOver = new Map(at.bench.rules.describe().map((rule) => [rule.id, rule.handOver]));
    expect(handOver.get('desk.chairs')).toEqual({ action: 'transfer' });
    expect(handOver.get('desk.lamps')).toBeUndefined();
  });

  it('moves the rows of the named rules once, and the user keeps what arrives later', async () => {
    await at.things('chair', at.robin, 3);
    await at.things('lamp', at.robin);
    const event = reassignment();
    await at.deliver([event]);
    await at.things('chair', at.robin);
    await at.deliver([event, event]);
    expect(linesOf(event)).toMatchObject([
      { rule: 'desk.chairs', transition: 'reassigned', action: 'transfer', affected: 3, transferredTo: heir.userId },
    ]);
    expect([await at.owned(heir), await at.owned(at.robin)]).toEqual([3, 2]);
  });

  it('can go to a user who hands rows over in the same batch', async () => {
    const { accountId } = at.robin;
    const next = await at.bench.person({ accountId });
    await at.things('chair', at.robin, 2);
    await at.things('chair', heir);
    const rules: ResolvedRules = { 'desk.chairs': { reassigned: { action: 'transfer', to: next.userId } } };
    await at.deliver([reassignment(), at.bench.leaving(heir, 'reassigned', rules)]);
    expect(linesOf(reassignment())).toMatchObject([{ affected: 2, transferredTo: heir.userId }]);
    expect([await at.owned(heir), await at.owned(next)]).toEqual([2, 1]);
  });

  it('does not keep a later departure from applying its rules, and is not undone with it', async () => {
    await at.things('chair', at.robin, 2);
    await at.deliver([reassignment()]);
    await at.things('chair', at.robin);
    const left = deactivation(3);
    await at.deliver([left]);
    expect(linesOf(left)).toMatchObject([{ rule: 'desk.chairs', action: 'unassign', affected: 1 }]);
    await at.deliver([at.bench.reactivation(at.robin, 4, 'all')]);
    expect([await at.owned(heir), await at.owned(at.robin)]).toEqual([2, 1]);
  });

  it('that continues in chunks is superseded by a departure, which handles the rest', async () => {
    await at.things('chair', at.robin, 5);
    const { budget } = at.bench.processor;
    at.bench.processor.budget = { perPerson: 2, total: 1_000 };
    await at.deliver([reassignment()]);
    at.bench.processor.budget = budget;
    await at.deliver([deactivation(3)]);
    await at.bench.tasks.drain();
    expect([await at.owned(heir), await at.owned(at.robin)]).toEqual([2, 0]);
    expect(await at.status(at.robin)).toEqual(['superseded', 'completed']);
  });

  it('that comes after a newer departure changes nothing', async () => {
    await at.things('chair', at.robin);
    await at.deliver([deactivation(3)]);
    await at.deliver([reassignment()]);
    expect(await at.owned(heir)).toBe(0);
    expect(await at.status(at.robin)).toEqual(['superseded', 'completed']);
  });

  it('does not drop what a reactivation has still to restore', async () => {
    await at.things('chair', at.robin, 5);
    await at.deliver([deactivation(2)]);
    const { budget } = at.bench.processor;
    at.bench.processor.budget = { perPerson: 2, total: 1_000 };
    await at.deliver([at.bench.reactivation(at.robin, 3, 'all')]);
    at.bench.processor.budget = budget;
    await at.deliver([reassignment(4)]);
    await at.deliver([deactivation(5, { activeSince: 3 }), at.bench.reactivation(at.robin, 6, 'all')]);
    expect([await at.owned(heir), await at.owned(at.robin)]).toEqual([0, 5]);
  });
});
