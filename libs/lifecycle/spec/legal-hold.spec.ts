import { sql } from 'kysely';
import type { ResolvedRules } from '#libs/contracts';
import { AtTheDesk } from './at-the-desk.js';

/** The action on deletions destroys at once; the one on deactivations can be undone. */
const lamps: ResolvedRules = { 'desk.lamps': { deactivated: { action: 'disable' }, deleted: { action: 'delete' } } };

describe('a legal hold keeps what a departure would destroy', () => {
  const at = AtTheDesk.open();
  const remove = (legalHold: boolean) =>
    at.deliver([
      at.bench.leaving(at.robin, 'deleted', lamps, {
        profile: { legalHold },
        departure: { steps: ['deactivated', 'deleted'] },
      }),
    ]);
  const setHold = (seq: number, legalHold: boolean) =>
    at.deliver([
      at.bench.event('user.updated', at.robin, { seq, lifecycleVersion: 2, profile: { status: 'deleted', legalHold } }),
    ]);
  const lines = () => at.receiptsOf(at.robin).at(-1)!.rules;
  const inSmallPieces = async (work: () => Promise<unknown>) => {
    const usual = at.bench.processor.budget;
    at.bench.processor.budget = { perPerson: 4, total: 1_000 };
    await work();
    at.bench.processor.budget = usual;
    await sql`update task set chunk_rows = 4`.execute(at.bench.em().getKysely());
  };

  it('until it is lifted; everything else is done', async () => {
    await at.things('lamp', at.robin, 3);
    await remove(true);
    expect(lines()).toMatchObject([
      { action: 'disable', affected: 3 },
      { action: 'delete', affected: 3, dueAt: expect.any(String), finishedAt: expect.any(String) },
    ]);
    await at.bench.scheduled.drain();
    expect(lines()[1]).toMatchObject({ heldAt: expect.any(String) });
    expect(await at.owned(at.robin)).toBe(3);
    await setHold(3, false);
    await at.bench.scheduled.drain();
    expect(lines()[1]).toMatchObject({ doneAt: expect.any(String) });
    expect(await at.owned(at.robin)).toBe(0);
  });

  it('also when it comes in the middle of many rows', async () => {
    await at.things('lamp', at.robin, 20);
    await inSmallPieces(() => remove(false));
    await setHold(3, true);
    await at.bench.tasks.drain();
    expect(lines()).toMatchObject([
      { action: 'disable', affected: 20 },
      { action: 'delete', affected: 20, dueAt: expect.any(String), finishedAt: expect.any(String) },
    ]);
    expect(await at.owned(at.robin)).toBe(20);
    await setHold(4, false);
    await at.bench.scheduled.drain();
    await at.bench.scheduled.drain();
    expect(await at.owned(at.robin)).toBe(0);
  });

  it('of somebody who is under hold since before the event came, although the event does not know', async () => {
    await at.things('lamp', at.robin, 2);
    await at.deliver([
      at.bench.event('user.updated', at.robin, { seq: 9, lifecycleVersion: 1, profile: { legalHold: true } }),
    ]);
    await remove(false);
    await at.bench.scheduled.drain();
    expect(await at.owned(at.robin)).toBe(2);
  });

  it('nothing is lost for somebody who comes back under hold', async () => {
    await at.things('lamp', at.robin, 2);
    await at.deliver([
      at.bench.leaving(at.robin, 'deactivated', lamps, { profile: { legalHold: true } }),
      at.bench.reactivation(at.robin, 3, 'all'),
    ]);
    await at.bench.scheduled.drain();
    expect(await at.owned(at.robin)).toBe(2);
  });
});
