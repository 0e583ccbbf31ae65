import { destroysAtOnce, type Action } from '#libs/lifecycle';
import { RuleBench, type ServiceUnderTest } from './bench.js';
import { crashes } from './crash.js';
import { expectRowsBehindPreview, expectRowsBehindReceipt } from './rows-behind-counts.js';
import type { RuleExample } from './example.js';
import { handsOver } from './hands-over.js';
import { offers } from './offers.js';
import { races, racesTakeOver } from './races.js';
import { MANY, Scene, SEVERAL } from './scene.js';

/**
 * The tests that every rule has to pass, for each of its actions on each of its transitions. Call it in a spec file of the
 * service that owns the rule.
 */
export function behavesLikeARule(service: ServiceUnderTest, id: string, example: RuleExample): void {
  const rule = service.rules.find((candidate) => candidate.id === id);
  if (!rule) throw new TypeError(`${service.name} has no rule ${id}`);

  describe(`${id}${example.part ? ` (${example.part})` : ''} behaves like a rule:`, () => {
    let bench: RuleBench;
    beforeAll(async () => {
      bench = await RuleBench.open(service);
    });
    afterAll(() => bench.close());
    handsOver(rule, (action) => new Scene(bench, rule, example, 'reassigned', action).set(SEVERAL));
    for (const [transition, action] of offers(rule, example.part)) {
      describe(`${action.name} when ${transition}`, () => {
        const scene = (rows: number) => new Scene(bench, rule, example, transition, action).set(rows);
        if (action.name === 'block') blocks(scene);
        else acts(scene, action);
        if (transition === 'deactivated') reactivates(scene, action);
        if (transition === 'transferred') cannotBeUndone(scene);
        if (example.selectionOnly) return;
        if (action.effect.kind !== 'none' || action.later) changes(scene);
        if (action.needsSuccessor) shares(scene, transition === 'deactivated');
        if (transition === 'deactivated' && action.undo === 'on-request') restores(scene);
        if (action.effect.kind === 'insert') marks(scene);
        if (action.later) delays(scene);
        if (destroysAtOnce(action) && transition !== 'transferred') isHeld(scene);
        if (action.name === 'block') return;
        const racesWith = transition === 'transferred' ? racesTakeOver : races;
        if (example.write) racesWith(scene, example.write);
        for (const [name, way] of Object.entries(example.ways ?? {})) describe(name, () => racesWith(scene, way));
      });
    }
  });
}

type Setting = (rows: number) => Promise<Scene>;

function blocks(scene: Setting): void {
  it('does not block without rows', async () => {
    expect(await (await scene(0)).applyDeparture()).toMatchObject({ affected: 0, finishedAt: expect.any(String) });
  });

  it('blocks while there are rows, as the preview says, and leaves them unchanged', async () => {
    const s = await scene(SEVERAL);
    const before = await s.rowsOf(s.leaver);
    expect(await s.previewed()).toBe(s.several);
    await expectRowsBehindPreview(s);
    await expect(s.applyDeparture()).rejects.toThrow('blocks: it has rows');
    expect(await s.rowsOf(s.leaver)).toEqual(before);
  });
}

function acts(scene: Setting, action: Action): void {
  it('succeeds without rows', async () => {
    expect(await (await scene(0)).applyDeparture()).toMatchObject({ affected: 0, finishedAt: expect.any(String) });
  });

  it('previews the count that the receipt has, and lists as many rows', async () => {
    const s = await scene(SEVERAL);
    const count = await s.previewed();
    expect(count).toBe(s.several);
    await expectRowsBehindPreview(s);
    expect(await s.applyDeparture()).toMatchObject({ action: action.name, affected: count });
    if (s.transition === 'deactivated') await expectRowsBehindReceipt(s);
  });

  it('leaves nothing for the proof to find', async () => {
    const s = await scene(SEVERAL);
    await s.applyDeparture();
    expect(await s.remaining()).toEqual([]);
  });

  it('is idempotent', async () => {
    const s = await scene(SEVERAL);
    const first = await s.applyDeparture();
    const state = await s.rowsOf(s.leaver);
    expect(await s.applyDeparture()).toEqual(first);
    expect(await s.rowsOf(s.leaver)).toEqual(state);
  });

  it('does not touch rows of other users or other accounts', async () => {
    const s = await scene(SEVERAL);
    const before = await s.rowsOfOthers();
    await s.applyDeparture();
    expect(await s.rowsOfOthers()).toEqual(before);
  });
}

function changes(scene: Setting): void {
  it('is atomic: a crash before any statement changes nothing', async () => {
    const s = await scene(SEVERAL);
    const before = await s.rowsOf(s.leaver);
    let statement = 1;
    for (; await crashes(statement, s.bench.database.adminUrl, () => s.applyDeparture()); statement++)
      expect(await s.rowsOf(s.leaver)).toEqual(before);
    // At least begin, the rule and commit, so that the loop has seen crashes.
    expect(statement).toBeGreaterThan(3);
    expect((await s.applyDeparture()).affected).toBe(s.several);
    expect(await s.remaining()).toEqual([]);
  });

  it('changes a large number of rows completely, in chunks', async () => {
    const s = await scene(MANY);
    expect((await s.leaveInChunks()).affected).toBe(s.many);
    expect(await s.remaining()).toEqual([]);
  });
}

/** @param returns whether the user can return */
function shares(scene: Setting, returns: boolean): void {
  it('gives the rows to the members of a team, in chunks', async () => {
    const s = await scene(MANY);
    const before = await s.rowsOf(s.leaver);
    const members = await s.nameTeam(3, 'round-robin');
    const { affected, receivers = [], transferredTo } = await s.leaveInChunks();
    expect([affected, transferredTo]).toEqual([s.many, undefined]);
    const counts = receivers.map((one) => one.affected);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(s.many);
    if (s.many > 1) expect([counts.length, Math.max(...counts) - Math.min(...counts)]).toEqual([3, 1]);
    expect(await s.rowsNaming(members)).toEqual(new Map(receivers.map((one) => [one.userId, one.affected])));
    expect(await s.remaining()).toEqual([]);
    if (!returns) return;
    expect(await s.reactivateInChunks()).toMatchObject({ affected: s.many, notRestored: 0 });
    expect(await s.rowsOf(s.leaver)).toEqual(before);
  });
}

function reactivates(scene: Setting, action: Action): void {
  if (action.effect.kind === 'none' && !action.later)
    return it('has nothing to restore at a reactivation', async () => {
      const s = await scene(SEVERAL);
      if (action.name !== 'block') await s.applyDeparture();
      expect(await s.reactivate()).toBeUndefined();
    });
  if (action.undo === 'on-request')
    return it('restores everything at a reactivation, once', async () => {
      const s = await scene(SEVERAL);
      const before = [await s.rowsOf(s.leaver), await s.rowsOfOthers()];
      await s.applyDeparture();
      const line = await s.reactivate();
      expect(line).toMatchObject({ action: 'restore', affected: s.several, notRestored: 0 });
      expect(await s.reactivate()).toEqual(line);
      expect([await s.rowsOf(s.leaver), await s.rowsOfOthers()]).toEqual(before);
      expect(await s.undoRecords()).toBe(0);
    });
  it('reports in the receipt of a reactivation what is restored and what is not', async () => {
    const s = await scene(SEVERAL);
    const { affected } = await s.applyDeparture();
    const [back, lost] = action.undo === 'never' ? [0, affected] : [affected, 0];
    const line = await s.reactivate();
    expect(line).toMatchObject({ transition: 'reactivated', action: 'restore', affected: back, notRestored: lost });
    expect(line!.warning).toBe(lost > 0 ? 'cannot-be-restored' : undefined);
  });
}

function cannotBeUndone(scene: Setting): void {
  it('is not undone by a later reactivation', async () => {
    const s = await scene(SEVERAL);
    await s.applyDeparture();
    const after = await s.rowsOf(s.leaver);
    expect(await s.undoRecords()).toBe(0);
    await s.bench.processor.apply([s.bench.leaving(s.leaver, 'deactivated', {}, { lifecycleVersion: 3 })]);
    await s.bench.processor.apply([s.bench.reactivation(s.leaver, 4, 'all')]);
    expect(await s.rowsOf(s.leaver)).toEqual(after);
  });

  it('does not wait for the end of a legal hold that came after the decision', async () => {
    const s = await scene(SEVERAL);
    s.putUnderLegalHold();
    const line = await s.applyDeparture();
    expect(line).toMatchObject({ affected: s.several, finishedAt: expect.any(String) });
    expect(line.dueAt).toBeUndefined();
    expect(await s.remaining()).toEqual([]);
  });
}

function restores(scene: Setting): void {
  it('does not restore a row that belongs to another user by then', async () => {
    const s = await scene(SEVERAL);
    const before = await s.rowsOf(s.leaver);
    await s.applyDeparture();
    const reassigned = await s.reassignOne(before);
    const isReassigned = (row: unknown) => (row as { id: string }).id === reassigned;
    const expected = (await s.rowsOf(s.leaver)).filter(isReassigned);
    expect(await s.reactivate()).toMatchObject({ affected: s.several - 1, notRestored: 1, warning: 'changed-since' });
    const after = await s.rowsOf(s.leaver);
    expect(after.filter(isReassigned)).toEqual(expected);
    expect(after.filter((row) => !isReassigned(row))).toEqual(before.filter((row) => !isReassigned(row)));
  });

  it('restores a large number of rows completely, in chunks', async () => {
    const s = await scene(MANY);
    const before = await s.rowsOf(s.leaver);
    await s.leaveInChunks();
    expect(await s.reactivateInChunks()).toMatchObject({ affected: s.many, notRestored: 0 });
    expect(await s.rowsOf(s.leaver)).toEqual(before);
    expect(await s.undoRecords()).toBe(0);
  });

  it('restores what has been changed so far if the reactivation comes between two chunks', async () => {
    const s = await scene(MANY);
    const before = await s.rowsOf(s.leaver);
    const { affected } = await s.leaveBeginning();
    expect(await s.reactivate()).toMatchObject({ affected, notRestored: 0 });
    await s.bench.tasks.drain();
    expect(await s.rowsOf(s.leaver)).toEqual(before);
  });
}

function marks(scene: Setting): void {
  it('removes its marks at a reactivation', async () => {
    const s = await scene(SEVERAL);
    await s.applyDeparture();
    await s.bench.processor.apply([s.bench.reactivation(s.leaver)]);
    expect(await s.previewed(3)).toBe(s.several);
  });
}

function delays(scene: Setting): void {
  it('applies its delayed effect when due, and not after a reactivation', async () => {
    const [s, returning] = [await scene(SEVERAL), await scene(SEVERAL)];
    await s.applyDeparture();
    await returning.applyDeparture();
    await s.bench.scheduled.drain();
    expect(await s.pendingLater()).toBe(s.several);
    await s.bench.processor.apply([s.bench.reactivation(returning.leaver)]);
    s.bench.clock.advanceDays(s.action.days ?? 0);
    await s.bench.scheduled.drain();
    expect(await s.pendingLater()).toBe(0);
    expect(s.latestLine()).toMatchObject({ doneAt: expect.any(String) });
    // Nobody returns from a deletion; after a deactivation what was done at once is taken back.
    const isTakenBack = s.transition === 'deactivated' && s.action.effect.kind === 'set';
    expect(await returning.pendingLater()).toBe(isTakenBack ? 0 : s.several);
    if (isTakenBack) expect(await returning.previewed(3)).toBe(s.several);
  });
}

function isHeld(scene: Setting): void {
  it('a legal hold keeps the rows until it is lifted', async () => {
    const s = await scene(SEVERAL);
    const before = await s.rowsOf(s.leaver);
    s.putUnderLegalHold();
    expect(await s.applyDeparture()).toMatchObject({ affected: s.several, dueAt: expect.any(String) });
    await s.bench.scheduled.drain();
    expect(await s.rowsOf(s.leaver)).toEqual(before);
    expect(s.latestLine()).toMatchObject({ heldAt: expect.any(String) });
    await s.liftLegalHold();
    await s.bench.scheduled.drain();
    expect(s.latestLine()).toMatchObject({ doneAt: expect.any(String) });
    expect(await s.rowsOf(s.leaver)).not.toEqual(before);
    expect(await s.remaining()).toEqual([]);
  });
}
