import type { ReceiptLine, Transition } from '#libs/contracts';
import { handOverOf, type Action, type Rule } from '#libs/lifecycle';
import { expectRowsBehindPreview } from './rows-behind-counts.js';
import { receiptOf, type Scene } from './scene.js';

/**
 * What a rule that can transfer or replace has to pass for reassignments.
 * @param scene a user with several rows, who hands them over with this action
 */
export function handsOver(rule: Rule, scene: (action: Action) => Promise<Scene>): void {
  const handOver = handOverOf(rule);
  if (!handOver) return;
  const { transition, action } = handOver;
  it('hands its rows over while the user stays, and a later departure finds what has come since', async () => {
    const s = await scene(action);
    const others = await s.rowsOfOthers();
    expect(await s.previewed()).toBe(s.several);
    await expectRowsBehindPreview(s);
    const line = await s.applyDeparture();
    expect(line).toMatchObject({ transition: 'reassigned', affected: s.several, transferredTo: s.successor.userId });
    expect([await s.previewed(), await s.undoRecords()]).toEqual([0, 0]);
    expect(await s.rowsOfOthers()).toEqual(others);
    await addRow(s);
    expect(await s.remaining()).toEqual([]);
    expect(await leaveAfterwards(s, transition)).toMatchObject({ transition, affected: 1 });
    expect(await s.remaining(3)).toEqual([]);
  });
}

async function addRow({ bench, example, leaver }: Scene): Promise<void> {
  const em = bench.em();
  await example.row(em, leaver, bench);
  await em.flush();
}

/** A departure with the same action. */
async function leaveAfterwards(s: Scene, transition: Transition): Promise<ReceiptLine> {
  const departure = { steps: [transition], wasManager: s.example.manager ?? false };
  const rules = { [s.rule.id]: { [transition]: s.resolved } };
  const event = s.bench.leaving(s.leaver, transition, rules, { lifecycleVersion: 3, departure });
  return s.line(receiptOf(await s.bench.processor.apply([event]), event).rules);
}
