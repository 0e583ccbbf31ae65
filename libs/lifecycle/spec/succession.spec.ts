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

  describe('that the event names as first admin', () => {
    const leavingFor = (firstAdminId: string, to?: string) =>
      at.bench.leaving(at.robin, 'deactivated', transferTo(to), { departure: { firstAdminId } });

    it('is taken before those whom a directory that is behind would choose', async () => {
      // The directory does not know yet that she has been promoted, and that he has accepted his invitation.
      const promoted = await at.bench.person({ accountId: at.robin.accountId });
      const invited = await at.bench.person({ accountId: at.robin.accountId, profile: { status: 'invited' } });
      const other = await at.bench.admin(at.robin.accountId);
      await at.things('chair', at.robin);
      await at.deliver([leavingFor(promoted.userId)]);
      expect(at.receiptsOf(at.robin)[0]!.rules).toMatchObject([{ transferredTo: promoted.userId }]);
      expect([await at.owned(promoted), await at.owned(other)]).toEqual([1, 0]);
      at.robin = await at.bench.person({ accountId: at.robin.accountId });
      await at.things('chair', at.robin);
      await at.deliver([leavingFor(invited.userId)]);
      expect([await at.owned(invited), await at.owned(other)]).toEqual([1, 0]);
    });

    it('may have just joined: the event is retried until the directory knows them', async () => {
      const joined = { accountId: at.robin.accountId, userId: at.bench.ids.next() };
      const other = await at.bench.admin(at.robin.accountId);
      await at.things('chair', at.robin);
      await at.deliver([leavingFor(joined.userId)]);
      expect(at.receiptsOf(at.robin)).toMatchObject([{ status: 'running', error: 'first-admin-unknown' }]);
      const profile = { isManager: true };
      await at.deliver([at.bench.event('user.created', joined, { seq: 1, lifecycleVersion: 1, profile })]);
      at.bench.clock.advance(RETRY_DELAYS_MS[0]!);
      await at.bench.retries.drain();
      expect([await at.owned(joined), await at.owned(other)]).toEqual([1, 0]);
    });

    it('is another one if that user has left meanwhile, before or together with the leaver', async () => {
      const other = await at.bench.admin(at.robin.accountId);
      const { accountId } = at.robin;
      const first = await at.bench.person({ accountId });
      await at.deliver([at.bench.leaving(first, 'deactivated', {})]);
      await at.things('chair', at.robin);
      await at.deliver([leavingFor(first.userId, first.userId)]);
      expect(at.receiptsOf(at.robin)[0]!.rules).toMatchObject([
        { transferredTo: other.userId, warning: 'successor-has-left' },
      ]);
      const together = await at.bench.person({ accountId });
      at.robin = await at.bench.person({ accountId });
      await at.things('chair', at.robin);
      await at.deliver([leavingFor(together.userId), at.bench.leaving(together, 'deactivated', {})]);
      expect(await at.owned(other)).toBe(2);
    });

    it('is the same for the later chunks of a step', async () => {
      const promoted = await at.bench.person({ accountId: at.robin.accountId });
      await at.bench.admin(at.robin.accountId);
      await at.things('chair', at.robin, 3);
      const { budget } = at.bench.processor;
      at.bench.processor.budget = { ...budget, perPerson: 1 };
      await at.deliver([leavingFor(promoted.userId)]);
      at.bench.processor.budget = budget;
      await at.bench.tasks.drain();
      expect(at.receiptsOf(at.robin).at(-1)).toMatchObject({
        status: 'completed',
        rules: [{ affected: 3, transferredTo: promoted.userId }],
      });
      expect(await at.owned(promoted)).toBe(3);
    });
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
