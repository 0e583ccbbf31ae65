import { AtTheDesk, unassignChairs } from './at-the-desk.js';

const at = AtTheDesk.open();

describe('a tombstone', () => {
  const tombstone = () => ({
    ...at.bench.leaving(at.robin, 'deleted', unassignChairs, { lifecycleVersion: 3 }),
    tombstone: true as const,
  });

  it('is acknowledged, and changes and answers nothing', async () => {
    await at.things('chair', at.robin, 2);
    expect(await at.deliver([tombstone()])).toEqual(['ack']);
    expect(await at.owned(at.robin)).toBe(2);
    expect(at.receiptsOf(at.robin)).toEqual([]);
  });

  it('does not hold up the decisions beside it', async () => {
    const other = await at.bench.person();
    await at.things('chair', other);
    expect(await at.deliver([tombstone(), at.bench.leaving(other, 'deactivated', unassignChairs)])).toEqual([
      'ack',
      'ack',
    ]);
    expect(await at.owned(other)).toBe(0);
    expect(at.receiptsOf(other)).toMatchObject([{ status: 'completed' }]);
  });

  it('of a decision that has been applied does not supersede it', async () => {
    await at.things('chair', at.robin);
    const { tombstone: _, ...decision } = tombstone();
    await at.deliver([decision]);
    await at.deliver([{ ...decision, tombstone: true }]);
    expect(at.receiptsOf(at.robin)).toMatchObject([{ status: 'completed' }]);
  });
});
