import { Problem } from '#libs/contracts';
import type { Person } from './bench.js';
import type { Way } from './example.js';
import type { Scene } from './scene.js';

type Setting = (rows: number) => Promise<Scene>;

async function prepareWrite(way: Way, s: Scene, person: Person): Promise<() => Promise<unknown>> {
  const { given, write } = typeof way === 'object' ? way : { given: undefined, write: way };
  const id = (await given?.(s.bench, person)) ?? '';
  return () => write(s.bench, person, id);
}

/** Races a write against a take-over. */
export function racesTakeOver(scene: Setting, way: Way): void {
  it('a take-over waits for a write that has locked the user, and finds its row', async () => {
    const s = await scene(0);
    const seen = await s.overlap(await prepareWrite(way, s, s.leaver), () => s.applyDeparture());
    expect(seen).toMatchObject({ first: { status: 'fulfilled' }, second: { status: 'fulfilled' }, hasWaited: true });
    expect(await s.remaining()).toEqual([]);
  });

  it('a write that waits for a take-over is the new person’s, and the proof does not count its row', async () => {
    const s = await scene(0);
    const write = await prepareWrite(way, s, s.leaver);
    const seen = await s.overlap(() => s.applyDeparture(), write);
    expect(seen).toMatchObject({ first: { status: 'fulfilled' }, hasWaited: true });
    // A row that has ended may need a new grant first.
    if (typeof way !== 'object' || seen.second.status === 'fulfilled')
      expect(seen.second).toMatchObject({ status: 'fulfilled' });
    else expect(seen.second).toMatchObject({ status: 'rejected', reason: expect.any(Problem) });
    expect(await s.remaining()).toEqual([]);
  });
}

/** Races a write against a departure. */
export function races(scene: Setting, way: Way): void {
  const { maySucceed = false } = typeof way === 'object' ? way : {};
  it('a departure waits for a write that has locked the user, and finds its row', async () => {
    const s = await scene(0);
    const seen = await s.overlap(await prepareWrite(way, s, s.leaver), () => s.applyDeparture());
    expect(seen).toMatchObject({ first: { status: 'fulfilled' }, second: { status: 'fulfilled' }, hasWaited: true });
    expect(await s.remaining()).toEqual([]);
  });

  it('a write waits for a departure that has locked the user, and leaves no row', async () => {
    const s = await scene(0);
    // The write works for a user who stays, so below it is refused because of the departure.
    await (
      await prepareWrite(way, s, s.colleague)
    )();
    const tryTo = await prepareWrite(way, s, s.leaver);
    const seen = await s.overlap(() => s.applyDeparture(), tryTo);
    expect(seen).toMatchObject({ first: { status: 'fulfilled' }, hasWaited: true });
    if (!maySucceed || seen.second.status === 'rejected')
      expect(seen.second).toMatchObject({ status: 'rejected', reason: expect.any(Problem) });
    expect(await s.remaining()).toEqual([]);
    if (!maySucceed) await expect(tryTo()).rejects.toThrow(Problem);
    expect(await s.remaining()).toEqual([]);
  });
}
