import type { DepartureFacts, ResolvedRules, UserEvent } from '#libs/contracts';
import { always, can, keep, owned, rule, transfer } from '#libs/lifecycle';
import { AtTheDesk } from './at-the-desk.js';
import { Thing } from './desk.js';

const heldBadges: ResolvedRules = { 'desk.badges': { deactivated: { action: 'disable' } } };

describe('a take-over', () => {
  const at = AtTheDesk.open();
  const states = async () => {
    const badges = await at.bench.em().find(Thing, { owner: at.robin.userId, kind: 'badge' });
    return badges.map(({ state }) => state);
  };
  const takeOver = (lifecycleVersion = 2) => at.bench.leaving(at.robin, 'transferred', {}, { lifecycleVersion });
  const deactivation = (lifecycleVersion: number, departure: Partial<DepartureFacts> = {}): UserEvent => {
    const { policy } = at.bench.leaving(at.robin, 'deactivated', heldBadges).data.departure!;
    return at.bench.leaving(at.robin, 'deactivated', heldBadges, {
      lifecycleVersion,
      departure: { ...departure, policy },
    });
  };
  const inherited = { steps: ['transferred', 'deactivated'], takenOverAt: 2 } satisfies Partial<DepartureFacts>;
  const linesOf = (event: UserEvent) =>
    at.receiptsOf(at.robin).findLast(({ lifecycleVersion }) => lifecycleVersion === event.data.lifecycleVersion)!.rules;
  const grantAgain = async () => {
    const em = at.bench.em();
    await em.nativeUpdate(Thing, { owner: at.robin.userId }, { state: 'open', releaseAt: at.bench.clock.now() });
  };

  it('follows the declaration, whatever the event’s policy says', async () => {
    await at.things('badge', at.robin, 2);
    await at.deliver([takeOver()]);
    expect(linesOf(takeOver())).toMatchObject([
      { rule: 'desk.badges', transition: 'transferred', action: 'disable', affected: 2 },
    ]);
    expect(await states()).toEqual(['off', 'off']);
  });

  it('is applied once, also if its event comes again after the new person has got a badge', async () => {
    await at.things('badge', at.robin);
    const event = takeOver();
    await at.deliver([event]);
    await grantAgain();
    await at.deliver([event, event]);
    expect(await states()).toEqual(['open']);
  });

  it('that comes after a deactivation which has its step changes nothing', async () => {
    await at.things('badge', at.robin);
    const left = deactivation(3, inherited);
    await at.deliver([left]);
    expect(linesOf(left).map(({ transition, affected }) => [transition, affected])).toEqual([
      ['transferred', 1],
      ['deactivated', 1],
    ]);
    await at.deliver([takeOver()]);
    expect(await at.status(at.robin)).toEqual(['superseded', 'completed']);
    // A return gives back what the take-over has left.
    await at.deliver([at.bench.reactivation(at.robin, 4, 'all')]);
    expect(await states()).toEqual(['off']);
  });

  it('is not applied a second time by the deactivation that supersedes it', async () => {
    await at.things('badge', at.robin);
    await at.deliver([takeOver()]);
    await grantAgain();
    const left = deactivation(3, inherited);
    await at.deliver([left]);
    expect(linesOf(left).map(({ transition }) => transition)).toEqual(['deactivated']);
    await at.deliver([at.bench.reactivation(at.robin, 4, 'all')]);
    expect(await states()).toEqual(['open']);
  });

  it('of which a reactivation has inherited the step ends what the deactivation had held', async () => {
    await at.things('badge', at.robin);
    // The take-over and the deactivation after it have not arrived.
    const back = at.bench.reactivation(at.robin, 4, 'all');
    back.data.departure = { ...back.data.departure!, steps: ['transferred'], takenOverAt: 2 };
    await at.deliver([back]);
    expect(linesOf(back)).toMatchObject([{ rule: 'desk.badges', transition: 'transferred', affected: 1 }]);
    expect(await states()).toEqual(['off']);
  });
});

describe('an event of a type from a later version', () => {
  const at = AtTheDesk.open();

  it('is ignored, and holds up neither the batch nor the user', async () => {
    const later = { ...at.bench.leaving(at.robin, 'deactivated', {}), type: 'user.promoted' };
    const outcomes = await at.deliver([JSON.stringify(later), at.bench.leaving(at.robin, 'deactivated', {})]);
    expect(outcomes).toEqual(['ack', 'ack']);
    expect(await at.bench.letters.list({})).toEqual([]);
    expect(await at.status(at.robin)).toEqual(['completed']);
  });
});

describe('a rule for a take-over', () => {
  const rows = owned(Thing, 'owner', { kind: 'badge' });
  const declared = (transferred: Parameters<typeof rule>[2]['transferred']) => () =>
    rule('desk.others', 'Others', { rows, transferred, deactivated: can(keep) });

  it('leaves accounts no choice, and gives nothing to another user', () => {
    expect(declared(can(keep))).toThrow('cannot choose');
    expect(declared(always(transfer))).toThrow('cannot transfer');
  });
});
