import { behavesLikeARule, coversEveryPersonalColumn, type RuleExample } from '#libs/lifecycle/testing';
import { Directory } from '#libs/database';
import { Circular, desk, Thing } from './desk.js';

const thing = (kind: string): RuleExample => ({
  row: (em, owner, bench) =>
    em.create(Thing, { id: bench.ids.next(), accountId: owner.accountId, owner: owner.userId, kind, state: 'open' }),
  write: async (bench, owner) => {
    await bench.em().transactional(async (em) => {
      await new Directory(em).requireActive(owner.accountId, [owner.userId]);
      em.create(Thing, { id: bench.ids.next(), accountId: owner.accountId, owner: owner.userId, kind, state: 'open' });
    });
  },
});

behavesLikeARule(desk, 'desk.chairs', thing('chair'));
behavesLikeARule(desk, 'desk.lamps', thing('lamp'));
behavesLikeARule(desk, 'desk.letters', thing('letter'));
behavesLikeARule(desk, 'desk.keys', thing('key'));
behavesLikeARule(desk, 'desk.badges', {
  ...thing('badge'),
  write: (bench, owner) =>
    bench.em().transactional(async (em) => {
      await new Directory(em).requireActive(owner.accountId, [owner.userId]);
      const { accountId, userId } = owner;
      const given = { kind: 'badge', state: 'open', releaseAt: bench.clock.now() };
      em.create(Thing, { id: bench.ids.next(), accountId, owner: userId, ...given });
    }),
});
behavesLikeARule(desk, 'desk.plants', thing('plant'));
behavesLikeARule(desk, 'desk.circulars', {
  row: (em, { accountId }, bench) =>
    em.create(Circular, { id: bench.ids.next(), accountId, sentAt: bench.clock.now() }),
});
coversEveryPersonalColumn(desk, {
  'thing.label': 'Contains no data about the owner.',
  'drawer.owner': 'Only exported.',
  'drawer.helper': 'Only exported.',
  'drawer.note': 'Only exported.',
});
