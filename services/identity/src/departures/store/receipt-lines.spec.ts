import { describe, expect, it } from '@jest/globals';
import { isOlder } from './receipt-lines.js';

describe('a receipt', () => {
  const running = (attempts?: number) => ({
    round: 0,
    status: 'running' as const,
    rules: [],
    ...(attempts !== undefined && { failure: { error: '23514', attempts } }),
  });

  it('about fewer failed tries is older than one about more', () => {
    expect(isOlder(running(2), running(3))).toBe(true);
    expect(isOlder(running(3), running(2))).toBe(false);
    expect(isOlder(running(), running(1))).toBe(true);
  });
});
