import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Receipt, ResolvedRules, Restore } from '#libs/contracts';
import {
  can,
  keep,
  owned,
  preview,
  proof,
  rule,
  transferWith,
  unassign,
  type RemoteAnswer,
  type RemoteCommand,
  type RemoteInverse,
} from '#libs/lifecycle';
import { RuleBench, type Person, type ServiceUnderTest } from '#libs/lifecycle/testing';
import { sql } from 'kysely';
import { desk, Thing } from './desk.js';

const CHAIRS = 'moving.chairs';
const BOXES = 'moving.boxes';
/** The requests to the other service, and its answers. */
const sent: (RemoteCommand | RemoteInverse)[] = [];
const confirms = (request: RemoteCommand | RemoteInverse): RemoteAnswer => ({
  rows: 'itemIds' in request ? request.itemIds.length : 2,
});
let answer: (request: RemoteCommand | RemoteInverse) => RemoteAnswer = confirms;
const ask = async (_client: unknown, request: RemoteCommand | RemoteInverse): Promise<RemoteAnswer> => {
  sent.push(request);
  return answer(request);
};
// Each row has an item of its own and one that it shares with the account's other rows.
const items = sql`values (t.id), (t.account_id)`;
const moveChairs = transferWith({}, { remote: { part: 'cushions', items, apply: ask, inverse: ask } });
const moveBoxes = transferWith(
  {},
  { remote: { part: 'contents', items, apply: ask, inverse: { impossible: 'they are unpacked' } } },
);
const moving: ServiceUnderTest = {
  ...desk,
  name: 'moving',
  rules: [
    rule(CHAIRS, 'Chairs', {
      rows: owned(Thing, 'owner', { kind: 'chair' }),
      deactivated: can(keep, moveChairs),
      deleted: can(unassign, moveChairs),
    }),
    rule(BOXES, 'Boxes', { rows: owned(Thing, 'owner', { kind: 'box' }), deactivated: can(keep, moveBoxes) }),
  ],
};

describe('a remote effect', () => {
  let bench: RuleBench;
  let robin: Person;
  let heir: Person;
  beforeAll(async () => {
    bench = await RuleBench.open(moving);
  });
  afterAll(() => bench.close());
  beforeEach(async () => {
    sent.length = 0;
    answer = confirms;
    bench.receipts.all.length = 0;
    robin = await bench.person();
    heir = await bench.admin(robin.accountId);
  });

  async function given(kind: 'chair' | 'box', rows: number): Promise<void> {
    const em = bench.em();
    const { accountId, userId: owner } = robin;
    for (let n = 0; n < rows; n++) em.create(Thing, { id: bench.ids.next(), accountId, owner, kind, state: 'open' });
    await em.flush();
  }
  const transferring = (rule = CHAIRS): ResolvedRules => ({
    [rule]: { deactivated: { action: 'transfer', to: heir.userId }, deleted: { action: 'unassign' } },
  });
  const leave = (rules = transferring(), lifecycleVersion = 2, activeSince = 1) =>
    bench.processor.apply([
      bench.leaving(robin, 'deactivated', rules, { lifecycleVersion, departure: { activeSince } }),
    ]);
  /** The first rows change, the others wait as a task. */
  async function leaveInChunks(): Promise<void> {
    const usual = bench.processor.budget;
    bench.processor.budget = { perPerson: 4, total: 100 };
    await leave();
    bench.processor.budget = usual;
  }
  const comeBack = (restore?: Restore, lifecycleVersion = 3) =>
    bench.processor.apply([bench.reactivation(robin, lifecycleVersion, restore)]);
  const isAnswered = async () => {
    bench.clock.advanceDays(1);
    await bench.remote.drain();
    return bench.receipts.all.at(-1)!;
  };
  const ofPart = (receipt: Receipt, part = 'cushions') => receipt.rules.find((line) => line.part === part);
  const remaining = async (lifecycleVersion = 2) =>
    (await proof(bench.em().getKysely(), bench.rules, { users: [{ userId: robin.userId, lifecycleVersion }] })).broken;
  const pending = async () => {
    const { rows } = await sql<{ version: number; undoes: number | null }>`
      select lifecycle_version::int as version, undoes::int as undoes from remote_effect where user_id = ${robin.userId} order by id`.execute(
      bench.em().getKysely(),
    );
    return rows;
  };

  it('has a line of its own in preview and receipt, and the departure runs until it is confirmed', async () => {
    await given('chair', 2);
    const request = { ...robin, steps: ['deactivated' as const], activeSince: 1, wasManager: false };
    const lines = await preview(
      bench.em().getKysely(),
      bench.rules,
      { ...request, rules: transferring() },
      bench.clock.now(),
    );
    expect(lines).toMatchObject([
      { rule: CHAIRS, count: 2 },
      { rule: CHAIRS, part: 'cushions', action: 'transfer', count: 3 },
    ]);
    const [receipt] = await leave();
    expect(receipt).toMatchObject({
      status: 'running',
      rules: [
        { affected: 2, finishedAt: expect.any(String) },
        { part: 'cushions', affected: 0, finishedAt: null },
      ],
    });
    expect(await remaining()).toMatchObject([{ rule: CHAIRS, part: 'cushions', action: 'transfer', remaining: 3 }]);
    const confirmed = await isAnswered();
    expect(confirmed).toMatchObject({ status: 'completed', lifecycleVersion: 2 });
    expect(ofPart(confirmed)).toMatchObject({
      affected: 3,
      transferredTo: heir.userId,
      finishedAt: expect.any(String),
    });
    expect(sent).toMatchObject([{ userId: robin.userId, lifecycleVersion: 2, successor: heir.userId, undoable: true }]);
    expect(await remaining()).toEqual([]);
  });

  it('goes along with a reassignment, and no return of the user undoes it', async () => {
    await given('chair', 2);
    const rules: ResolvedRules = { [CHAIRS]: { reassigned: { action: 'transfer', to: heir.userId } } };
    const [receipt] = await bench.processor.apply([bench.leaving(robin, 'reassigned', rules)]);
    expect(receipt).toMatchObject({ status: 'running' });
    const confirmed = await isAnswered();
    expect(confirmed).toMatchObject({ status: 'completed', lifecycleVersion: 2 });
    expect(ofPart(confirmed)).toMatchObject({ transition: 'reassigned', affected: 3, transferredTo: heir.userId });
    expect(sent).toMatchObject([{ successor: heir.userId, undoable: false }]);
    await leave(transferring(), 3);
    await comeBack('all', 4);
    await isAnswered();
    expect(sent).toHaveLength(1);
  });

  it('is finished at once if there is nothing to do, and absent if another action is chosen', async () => {
    const [nothing] = await leave();
    expect(nothing).toMatchObject({ status: 'completed' });
    expect(ofPart(nothing!)).toMatchObject({ affected: 0, finishedAt: expect.any(String) });
    await comeBack();
    await given('chair', 1);
    const [kept] = await leave({ [CHAIRS]: { deactivated: { action: 'keep' } } }, 4, 3);
    expect(kept!.rules).toHaveLength(1);
    expect(sent).toEqual([]);
  });

  it.each<RemoteAnswer>(['not-yet', 'superseded'])('is sent again, with the same id, after `%s`', async (refusal) => {
    await given('chair', 1);
    await leave();
    answer = () => refusal;
    await isAnswered();
    expect(await pending()).toHaveLength(1);
    answer = confirms;
    expect(await isAnswered()).toMatchObject({ status: 'completed' });
    expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
    expect(sent.length).toBeGreaterThan(1);
  });

  it('shows an error of the other service in the departure, until it is confirmed', async () => {
    await given('chair', 1);
    await leave();
    answer = () => {
      throw Object.assign(new Error(), { code: 'internal' });
    };
    expect(await isAnswered()).toMatchObject({ status: 'running', error: 'internal' });
    answer = confirms;
    const confirmed = await isAnswered();
    expect(confirmed).toMatchObject({ status: 'completed' });
    expect(confirmed.error).toBeUndefined();
  });

  it('waits for all rows of the rule, however many chunks they take', async () => {
    await given('chair', 10);
    await leaveInChunks();
    expect(await isAnswered()).toMatchObject({ status: 'running' });
    await sql`update task set chunk_rows = 4`.execute(bench.em().getKysely());
    await bench.tasks.drain();
    const confirmed = await isAnswered();
    expect(confirmed).toMatchObject({
      status: 'completed',
      rules: [{ affected: 10 }, { finishedAt: expect.any(String) }],
    });
    const asked = new Set(sent.flatMap((request) => ('itemIds' in request ? request.itemIds : [])));
    expect(asked.size).toBe(11);
  });

  it('is called off by a reactivation that overtakes it, which undoes what may have happened', async () => {
    await given('chair', 2);
    await leave();
    const [, back] = await comeBack('all');
    expect(back).toMatchObject({ status: 'running', rules: [{ affected: 2, notRestored: 0 }, { notRestored: 0 }] });
    expect(await pending()).toEqual([{ version: 3, undoes: 2 }]);
    answer = () => ({ rows: 0 });
    expect(await isAnswered()).toMatchObject({ status: 'completed', lifecycleVersion: 3 });
    expect(sent).toMatchObject([{ lifecycleVersion: 3, undoes: 2 }]);
  });

  it('is not undone by a reactivation that does not ask for it', async () => {
    await given('chair', 2);
    await leave();
    const [, back] = await comeBack();
    expect(back).toMatchObject({ status: 'completed', rules: [] });
    expect(await pending()).toEqual([]);
  });

  it('is undone on request: the receipt counts what is back and what is not, once confirmed', async () => {
    await given('chair', 2);
    await leave();
    await isAnswered();
    const [back] = await comeBack([CHAIRS]);
    expect(back!.status).toBe('running');
    expect(ofPart(back!)).toMatchObject({ action: 'restore', affected: 0, notRestored: 3, finishedAt: null });
    answer = () => ({ rows: 2, notRestored: 1 });
    const confirmed = await isAnswered();
    expect(confirmed).toMatchObject({ status: 'completed', lifecycleVersion: 3 });
    expect(ofPart(confirmed)).toMatchObject({ affected: 2, notRestored: 1, warning: 'changed-since' });
  });

  it('without an inverse is counted as not restored', async () => {
    await given('box', 1);
    await leave(transferring(BOXES));
    await isAnswered();
    const [back] = await comeBack('all');
    expect(back).toMatchObject({ status: 'completed' });
    expect(ofPart(back!, 'contents')).toMatchObject({ affected: 0, notRestored: 2, warning: 'cannot-be-restored' });
    expect(await pending()).toEqual([]);
  });

  it('goes on after a deletion that overtakes the deactivation, and the receipt of the deletion counts it', async () => {
    await given('chair', 2);
    await leave();
    const [superseded, deletion] = await bench.processor.apply([
      bench.leaving(robin, 'deleted', transferring(), { lifecycleVersion: 3 }),
    ]);
    expect(superseded).toMatchObject({ lifecycleVersion: 2, status: 'superseded' });
    expect(deletion).toMatchObject({ status: 'running' });
    const confirmed = await isAnswered();
    expect(confirmed).toMatchObject({ status: 'completed', lifecycleVersion: 3 });
    expect(ofPart(confirmed)).toMatchObject({ transition: 'deactivated', affected: 3 });
    expect(sent).toMatchObject([{ lifecycleVersion: 3 }]);
  });

  it('of a return that was overtaken is undone by the next return', async () => {
    await given('chair', 2);
    await leave();
    await isAnswered();
    await comeBack('all');
    await leave({ [CHAIRS]: { deactivated: { action: 'keep' } } }, 4, 3);
    await isAnswered();
    expect(sent).toHaveLength(1);
    const back = (await comeBack('all', 5)).at(-1)!;
    expect(ofPart(back)).toMatchObject({ notRestored: 3, finishedAt: null });
    answer = () => ({ rows: 3 });
    expect(ofPart(await isAnswered())).toMatchObject({ affected: 3, notRestored: 0 });
    expect(sent.at(-1)).toMatchObject({ lifecycleVersion: 5, undoes: 2 });
  });

  it('is undone after a return that never got here because the next departure was faster', async () => {
    await given('chair', 10);
    await leaveInChunks();
    await sql`update task set chunk_rows = 4`.execute(bench.em().getKysely());
    await bench.tasks.drain();
    await isAnswered();
    const late = bench.reactivation(robin, 3, 'all');
    await bench.processor.apply([
      late,
      bench.leaving(robin, 'deactivated', transferring(), { lifecycleVersion: 4, departure: { activeSince: 3 } }),
    ]);
    await comeBack('all', 5);
    expect(await pending()).toEqual([{ version: 5, undoes: 2 }]);
  });
});
