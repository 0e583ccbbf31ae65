import { describe, expect, it } from '@jest/globals';
import { eventually } from './eventually.js';

describe('eventually', () => {
  it('waits until the condition holds and returns its result', async () => {
    let looks = 0;
    const answer = await eventually(() => (++looks < 4 ? false : `after ${looks} looks`), {
      interval: 1,
    });
    expect(answer).toBe('after 4 looks');
  });

  it('accepts a condition that only stops throwing', async () => {
    let looks = 0;
    await eventually(() => expect(++looks).toBeGreaterThan(2), { interval: 1 });
    expect(looks).toBe(3);
  });

  it('throws the last error on timeout', async () => {
    let looks = 0;
    const look = () => {
      throw new Error(`look ${++looks} failed`);
    };
    await expect(eventually(look, { timeout: 30, interval: 1 })).rejects.toThrow(/^not within 30 ms: look \d+ failed$/);
    expect(looks).toBeGreaterThan(1);
  });

  it('names the last value of a condition that never held', async () => {
    await expect(eventually(() => 0, { timeout: 10, interval: 1 })).rejects.toThrow('it stayed 0');
  });
});
