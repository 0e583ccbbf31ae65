import { sql } from 'kysely';
import type { UserEvent } from '#libs/contracts';
import { AtTheDesk, trap, unassignChairs } from './at-the-desk.js';
import { Thing } from './desk.js';

describe('a dead letter', () => {
  const at = AtTheDesk.open();
  const letters = () => at.bench.letters;
  const of = async (id: string) => (await letters().list({})).filter((letter) => letter.id === id);

  /** Stores a dead letter as an earlier version of the service would that could not decode the event. */
  const storeDeadLetter = async (event: UserEvent): Promise<string> => {
    const id = at.bench.ids.next();
    await sql`
      insert into dead_letter (id, subject, data, reason, received_at)
      values (${id}, 'user.any', ${Buffer.from(JSON.stringify(event))}, 'not a type of user event', ${at.bench.clock.now()})`.execute(
      at.bench.em().getKysely(),
    );
    return id;
  };

  it('for a failed departure is retried by a replay', async () => {
    await at.things('trap', at.robin);
    const unknown = { 'desk.chairs': { deactivated: { action: 'withdraw' as const } } };
    const event = at.bench.leaving(at.robin, 'deactivated', unknown);
    const { id } = event.data.departure!;
    await at.deliver([event]);
    expect(await of(id)).toMatchObject([
      { kind: 'departure', reason: 'invalid-action', userId: at.robin.userId, type: 'user.deactivated' },
    ]);

    expect(await letters().replay({ ids: [id] })).toEqual({ replayed: [id], refused: [] });
    expect(await of(id)).toEqual([]);
    await at.bench.retries.drain();
    // The cause of the failure is still there.
    expect(await of(id)).toMatchObject([{ reason: 'invalid-action' }]);
  });

  it('for a failed departure leads to a completed receipt once the cause is gone, and is applied once', async () => {
    await at.things('chair', at.robin, 2);
    await at.things('trap', at.robin);
    const event = at.bench.leaving(at.robin, 'deactivated', { ...unassignChairs, ...trap });
    const { id } = event.data.departure!;
    await at.bench.processor.scheduleRetry(event, { kind: 'permanent', code: '23514' });
    await at.bench.em().nativeDelete(Thing, { owner: at.robin.userId, kind: 'trap' });
    for (const replayed of [[id], []]) expect(await letters().replay({ ids: [id] })).toEqual({ replayed, refused: [] });
    await at.bench.retries.drain();
    expect(at.receiptsOf(at.robin).at(-1)).toMatchObject({ status: 'completed', round: 0 });
    expect(await at.owned(at.robin)).toBe(0);
  });

  it('is not needed to try a waiting departure again: a replay that names it makes its next try due', async () => {
    await at.things('trap', at.robin);
    const event = at.bench.leaving(at.robin, 'deactivated', trap);
    const { id } = event.data.departure!;
    await at.deliver([event]);
    expect(await of(id)).toEqual([]);
    expect(await letters().replay({ ids: 'all' })).not.toHaveProperty('waiting');
    expect(await letters().replay({ ids: [id] })).toEqual({ replayed: [], waiting: [id], refused: [] });
    await at.bench.em().nativeUpdate(Thing, { owner: at.robin.userId }, { kind: 'chair' });
    await at.bench.tasks.drain();
    expect(await at.status(at.robin)).toEqual(['completed']);
  });

  it('for an undecodable message stays while it cannot be decoded', async () => {
    await at.deliver(['not json']);
    const [letter] = (await letters().list({ data: true })).filter(({ kind }) => kind === 'message');
    expect(letter).toMatchObject({ reason: 'not JSON', subject: 'user.any', bytes: 8, data: btoa('not json') });
    expect(letter).not.toHaveProperty('userId');
    const stays = { replayed: [], refused: [{ id: letter!.id, reason: 'undecodable' }] };
    expect(await letters().replay({ ids: [letter!.id] })).toEqual(stays);
    expect(await of(letter!.id)).toHaveLength(1);
    expect((await of(letter!.id))[0]).not.toHaveProperty('data');
  });

  it('for an undecodable message is handled like a new message once this version can decode it', async () => {
    await at.things('chair', at.robin);
    const event = at.bench.leaving(at.robin, 'deactivated', unassignChairs);
    const id = await storeDeadLetter(event);
    expect(await letters().replay({ ids: 'all' })).toMatchObject({ replayed: expect.arrayContaining([id]) });
    expect(await at.status(at.robin)).toEqual(['completed']);
    expect(await at.owned(at.robin)).toBe(0);
    expect(await of(id)).toEqual([]);
  });
});
