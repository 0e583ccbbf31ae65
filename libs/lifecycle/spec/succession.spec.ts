import type { ResolvedRules } from '#libs/contracts';
import { RETRY_DELAYS_MS } from '#libs/jobs';
import { AtTheDesk } from './at-the-desk.js';

describe('the successor', () => {
  const at = AtTheDesk.open();

  const transferTo = (to?: string): ResolvedRules => ({
    'desk.chairs': { deactivated: { action: 'transfer', ...(to && { to }) } },
  });

  it('is the first admin by default', async () => {
    const admin = await at.bench.admin(at.robin.accountId);
    await at.bench.admin(at.robin.accountId);
    await at.things('chair', at.robin);
    await at.deliver([at.bench.leaving(at.robin, 'deactivated', transferTo())]);
    expect(await at.owned(admin)).toBe(1);
    expect(at.receiptsOf(at.robin)[0]!.rules).toMatchObject([{ transferredTo: admin.userId }]);
  });

  it('is the first admin, with a warning, if the named successor has left', async () => {
    const admin = await at.bench.admin(at.robin.accountId);
    const named = await at.bench.person({ accountId: at.robin.accountId });
    await at.things('chair', at.robin);
    const leaving = at.bench.leaving(at.robin, 'deactivated', transferTo(named.userId));
    await at.deliver([at.bench.leaving(named, 'deactivated', {}), leaving]);
    expect(await at.owned(admin)).toBe(1);
    expect(at.receiptsOf(at.robin)[0]!.rules).toMatchObject([
      { transferredTo: admin.userId, warning: 'successor-has-left' },
    ]);
  });

  it('is never a user of another account', async () => {
    const admin = await at.bench.admin(at.robin.accountId);
    const stranger = await at.bench.person();
    await at.things('chair', at.robin);
    await at.deliver([at.bench.leaving(at.robin, 'deactivated', transferTo(stranger.userId))]);
    expect(await at.owned(stranger)).toBe(0);
    expect(await at.owned(admin)).toBe(1);
  });

  it('may not be in the directory yet: the event is retried', async () => {
    await at.things('chair', at.robin);
    await at.deliver([at.bench.leaving(at.robin, 'deactivated', transferTo())]);
    expect(await at.status(at.robin)).toEqual(['retry']);
    const admin = await at.bench.admin(at.robin.accountId);
    at.bench.clock.advance(RETRY_DELAYS_MS[0]!);
    await at.bench.retries.drain();
    expect(await at.owned(admin)).toBe(1);
  });
});
