import type { DepartureFacts, ReceiptLine, ResolvedRules } from '#libs/contracts';
import { AtTheDesk } from './at-the-desk.js';
import { Thing } from './desk.js';

const DAY = 86_400_000;

describe('receipts name the due times that are scheduled', () => {
  const at = AtTheDesk.open();
  /** @returns when the decision was made */
  const leave = async (
    transition: 'deactivated' | 'deleted',
    rules: ResolvedRules,
    lifecycleVersion = 2,
    { activeSince = 1, steps = [transition] }: Partial<DepartureFacts> = {},
  ): Promise<string> => {
    const departure = { activeSince, steps };
    const event = at.bench.leaving(at.robin, transition, rules, { lifecycleVersion, departure });
    await at.deliver([event]);
    return event.time;
  };
  /** Lines of the latest receipt of each departure, by lifecycle version. */
  const lines = (lifecycleVersion: number): readonly ReceiptLine[] =>
    at.receiptsOf(at.robin).findLast((receipt) => receipt.lifecycleVersion === lifecycleVersion)!.rules;
  const after = (days: number, time: string) => new Date(Date.parse(time) + days * DAY).toISOString();
  const letters = (deactivated: number, deleted: number): ResolvedRules => ({
    'desk.letters': {
      deactivated: { action: 'delete-after', days: deactivated },
      deleted: { action: 'delete-after', days: deleted },
    },
  });
  const keys = (deactivated: number, deleted: number): ResolvedRules => ({
    'desk.keys': {
      deactivated: { action: 'release-after', days: deactivated },
      deleted: { action: 'release-after', days: deleted },
    },
  });
  const runScheduled = async () => {
    at.bench.receipts.all.length = 0;
    await at.bench.scheduled.drain();
  };

  it('a deletion goes on with the clock of the deactivation, and its line names that time', async () => {
    await at.things('letter', at.robin);
    const due = after(30, await leave('deactivated', letters(30, 30)));
    at.bench.clock.advanceDays(10);
    await leave('deleted', letters(30, 30), 3);
    expect(lines(3)).toMatchObject([{ transition: 'deleted', dueAt: due }]);
    at.bench.clock.advanceDays(20);
    await runScheduled();
    for (const version of [2, 3]) expect(lines(version)).toMatchObject([{ dueAt: due, doneAt: expect.any(String) }]);
    expect(await at.owned(at.robin)).toBe(0);
  });

  it('a deletion that is to wait for fewer days shortens the clock, also in the earlier receipt', async () => {
    await at.things('letter', at.robin);
    await leave('deactivated', letters(30, 0));
    at.bench.clock.advanceDays(1);
    const due = await leave('deleted', letters(30, 0), 3);
    for (const version of [2, 3]) expect(lines(version)).toMatchObject([{ dueAt: due }]);
    await runScheduled();
    for (const version of [2, 3]) expect(lines(version)).toMatchObject([{ dueAt: due, doneAt: expect.any(String) }]);
    expect(await at.owned(at.robin)).toBe(0);
  });

  it('both lines of a deletion of somebody active name the one time, and when it was done', async () => {
    await at.things('letter', at.robin);
    const due = after(5, await leave('deleted', letters(30, 5), 2, { steps: ['deactivated', 'deleted'] }));
    expect(lines(2)).toMatchObject([{ dueAt: due }, { dueAt: due }]);
    at.bench.clock.advanceDays(5);
    await runScheduled();
    const done = { dueAt: due, doneAt: expect.any(String) };
    expect(lines(2)).toMatchObject([done, done]);
  });

  it('without rows nothing is due', async () => {
    await leave('deactivated', letters(30, 30));
    expect(lines(2)[0]).toMatchObject({ affected: 0 });
    expect(lines(2)[0]).not.toHaveProperty('dueAt');
  });

  it('rows that wait show the shorter time of the deletion, too', async () => {
    await at.things('key', at.robin);
    await leave('deactivated', keys(7, 1));
    at.bench.clock.advanceDays(1);
    const due = after(1, await leave('deleted', keys(7, 1), 3));
    for (const version of [2, 3]) expect(lines(version)).toMatchObject([{ dueAt: due }]);
    const key = await at.bench.em().findOneOrFail(Thing, { formerOwner: at.robin.userId });
    expect(key).toMatchObject({ state: 'waiting', releaseAt: new Date(due) });
    at.bench.clock.advanceDays(1);
    await at.bench.scheduled.drain();
    expect(await at.bench.em().findOneOrFail(Thing, { id: key.id })).toMatchObject({ state: 'released' });
  });

  it('a return calls off the delayed half and takes back the first one, without being asked to', async () => {
    await at.things('key', at.robin);
    await leave('deactivated', keys(7, 0));
    expect(await at.owned(at.robin)).toBe(0);
    await at.deliver([at.bench.reactivation(at.robin)]);
    expect(lines(3)).toMatchObject([{ rule: 'desk.keys', action: 'restore', affected: 1, notRestored: 0 }]);
    expect(await at.bench.em().find(Thing, { owner: at.robin.userId })).toMatchObject([
      { state: 'open', formerOwner: null, releaseAt: null },
    ]);
    await leave('deleted', keys(7, 0), 4, { activeSince: 3, steps: ['deactivated', 'deleted'] });
    await at.bench.scheduled.drain();
    expect(lines(4)).toMatchObject([{ doneAt: expect.any(String) }, { doneAt: expect.any(String) }]);
    expect(await at.bench.em().count(Thing, { accountId: at.robin.accountId, state: 'released' })).toBe(1);
  });
});
