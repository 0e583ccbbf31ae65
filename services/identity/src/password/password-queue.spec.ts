import { describe, expect, it } from '@jest/globals';
import { PasswordQueue } from './password-queue.js';

/** Work that goes on until it is released. */
function held() {
  let release = () => {};
  const done = new Promise<void>((resolve) => (release = resolve));
  return { work: () => done, release };
}

describe('the queue of passwords', () => {
  it('runs as many at once as it may, lets as many wait, and refuses the others before any work', async () => {
    const queue = new PasswordQueue({ atOnce: 2, waiting: 1 });
    const order: string[] = [];
    const [first, second] = [held(), held()];
    const running = [first, second].map(({ work }) => queue.run(work));
    const waiting = queue.run(() => Promise.resolve(order.push('waited')));
    await expect(queue.run(() => Promise.resolve(order.push('refused')))).rejects.toMatchObject({
      code: 'service-unavailable',
      details: { service: 'identity', retryAfter: 2 },
    });
    expect(order).toEqual([]);
    first.release();
    await waiting;
    expect(order).toEqual(['waited']);
    second.release();
    await Promise.all(running);
  });

  it('goes on after work that failed', async () => {
    const queue = new PasswordQueue({ atOnce: 1, waiting: 5 });
    const failing = queue.run(() => Promise.reject(new Error('broken')));
    const next = queue.run(() => Promise.resolve('done'));
    await expect(failing).rejects.toThrow('broken');
    expect(await next).toBe('done');
    expect(await queue.run(() => Promise.resolve('again'))).toBe('again');
  });
});
