import { sql } from 'kysely';
import type { ResolvedRules } from '#libs/contracts';
import { AtTheDesk, unassignChairs } from './at-the-desk.js';

describe('tasks and delayed effects', () => {
  const at = AtTheDesk.open();

  const withSmallBudget = async (work: () => Promise<unknown>) => {
    const usual = at.bench.processor.budget;
    at.bench.processor.budget = { perPerson: 4, total: 1_000 };
    await work();
    at.bench.processor.budget = usual;
    await sql`update task set chunk_rows = 4`.execute(at.bench.em().getKysely());
  };

  it('a reactivation stops a task', async () => {
    await at.things('chair', at.robin, 20);
    await withSmallBudget(() => at.deliver([at.bench.leaving(at.robin, 'deactivated', unassignChairs)]));
    expect(await at.owned(at.robin)).toBe(16);
    await at.deliver([at.bench.reactivation(at.robin)]);
    await at.bench.tasks.drain();
    expect(await at.owned(at.robin)).toBe(16);
    expect(await at.status(at.robin)).toEqual(['superseded', 'completed']);
  });

  it('a later step of a rule waits until the earlier one is finished', async () => {
    await at.things('lamp', at.robin, 20);
    const rules: ResolvedRules = {
      'desk.lamps': { deactivated: { action: 'disable' }, deleted: { action: 'delete' } },
    };
    await withSmallBudget(() => at.deliver([at.bench.leaving(at.robin, 'deleted', rules)]));
    expect(await at.owned(at.robin)).toBe(20);
    await at.bench.tasks.drain();
    expect(await at.owned(at.robin)).toBe(0);
    expect(at.receiptsOf(at.robin).at(-1)).toMatchObject({
      status: 'completed',
      rules: [{ affected: 20 }, { affected: 20 }],
    });
  });

  it('a delayed effect waits for the end of a legal hold', async () => {
    await at.things('letter', at.robin);
    await at.deliver([
      at.bench.leaving(at.robin, 'deactivated', {
        'desk.letters': { deactivated: { action: 'delete-after', days: 30 } },
      }),
    ]);
    const hold = (seq: number, legalHold: boolean) =>
      at.bench.event('user.updated', at.robin, {
        seq,
        lifecycleVersion: 2,
        profile: { status: 'deactivated', legalHold },
      });
    await at.deliver([hold(3, true)]);
    at.bench.clock.advanceDays(31);
    const receiptsBefore = at.receiptsOf(at.robin).length;
    await at.bench.scheduled.drain();
    expect(await at.owned(at.robin)).toBe(1);
    const heldAt = at.bench.clock.now().toISOString();
    await at.bench.scheduled.drain();
    const newReceipts = at.receiptsOf(at.robin).slice(receiptsBefore);
    expect(newReceipts.map((receipt) => receipt.rules)).toEqual([
      [expect.objectContaining({ heldAt: expect.any(String) })],
    ]);
    expect(newReceipts[0]!.rules[0]!.heldAt! <= heldAt).toBe(true);
    expect(newReceipts[0]!.rules[0]).not.toHaveProperty('doneAt');
    await at.deliver([hold(4, false)]);
    await at.bench.scheduled.drain();
    expect(await at.owned(at.robin)).toBe(0);
    expect(at.receiptsOf(at.robin).at(-1)!.rules).toMatchObject([{ doneAt: expect.any(String) }]);
  });

  it('a held effect is reported again until the receipt has been sent', async () => {
    await at.things('letter', at.robin);
    const rules: ResolvedRules = { 'desk.letters': { deactivated: { action: 'delete-after', days: 30 } } };
    await at.deliver([at.bench.leaving(at.robin, 'deactivated', rules, { profile: { legalHold: true } })]);
    at.bench.clock.advanceDays(31);
    const heldReceipts = () => at.receiptsOf(at.robin).filter(({ rules: [line] }) => line?.heldAt).length;
    at.bench.receipts.away = true;
    await at.bench.scheduled.drain();
    at.bench.receipts.away = false;
    expect(heldReceipts()).toBe(0);
    await at.bench.scheduled.drain();
    await at.bench.scheduled.drain();
    expect(heldReceipts()).toBe(1);
    expect(await at.owned(at.robin)).toBe(1);
  });
});
