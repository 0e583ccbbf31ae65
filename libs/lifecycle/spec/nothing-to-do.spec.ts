import { jest } from '@jest/globals';
import type { ResolvedRules } from '#libs/contracts';
import { always, can, hold, keep, owned, rule, setting } from '#libs/lifecycle';
import { RuleBench, type Person, type ServiceUnderTest } from '#libs/lifecycle/testing';
import pg from 'pg';
import { desk, Thing } from './desk.js';

/** The deactivation sets rows to `held`, which the deletion cancels. Before it there are no such rows. */
const waiting: ServiceUnderTest = {
  ...desk,
  name: 'waiting',
  rules: [
    rule('waiting.jobs', 'Jobs', {
      rows: owned(Thing, 'owner', { kind: 'job', state: 'open' }),
      deactivated: always(hold({ state: 'held' })),
    }),
    rule('waiting.held', 'Held jobs', {
      rows: owned(Thing, 'owner', { kind: 'job', state: 'held' }),
      deactivated: always(keep),
      deleted: can(setting('cancel')({ state: 'cancelled' })),
    }),
    rule('waiting.chairs', 'Chairs', {
      rows: owned(Thing, 'owner', { kind: 'chair' }),
      deleted: can(setting('cancel')({ label: null, state: 'free' })),
    }),
  ],
};
const rules: ResolvedRules = {
  'waiting.jobs': { deactivated: { action: 'hold' } },
  'waiting.held': { deactivated: { action: 'keep' }, deleted: { action: 'cancel' } },
  'waiting.chairs': { deleted: { action: 'cancel' } },
};

describe('a rule without rows', () => {
  let bench: RuleBench;
  beforeAll(async () => {
    bench = await RuleBench.open(waiting);
  });
  afterAll(() => bench.close());

  const jobOf = async ({ accountId, userId: owner }: Person): Promise<string> => {
    const em = bench.em();
    const id = bench.ids.next();
    em.create(Thing, { id, accountId, owner, kind: 'job', state: 'open' });
    await em.flush();
    return id;
  };
  const stateOf = async (id: string) => (await bench.em().findOneOrFail(Thing, id)).state;
  const updatesOf = async (work: () => Promise<unknown>) => {
    const query = jest.spyOn(pg.Client.prototype, 'query');
    await work();
    const texts = query.mock.calls.map(([text]) => String((text as { text?: string }).text ?? text));
    query.mockRestore();
    return texts.filter((text) => text.includes('update "thing"')).length;
  };

  it.each([1, 3])(
    'changes rows that an earlier rule of the departure has added to it, %d users in a batch',
    async (count) => {
      const people = await Promise.all(Array.from({ length: count }, () => bench.person()));
      const jobs = await Promise.all(people.map(jobOf));
      await bench.processor.apply(people.map((person) => bench.leaving(person, 'deleted', rules)));
      expect(await Promise.all(jobs.map(stateOf))).toEqual(jobs.map(() => 'cancelled'));
    },
  );

  it.each([1, 3])('sends no update to PostgreSQL, %d users in a batch', async (count) => {
    const people = await Promise.all(Array.from({ length: count }, () => bench.person()));
    const events = people.map((person) => bench.leaving(person, 'deleted', rules));
    expect(await updatesOf(() => bench.processor.apply(events))).toBe(0);
  });
});
