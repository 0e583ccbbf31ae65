import { can, deleteRows, keep, owned, rule, RuleSet, unassign, type Rule } from '#libs/lifecycle';
import { deletedByEarlierRules } from '../testing/completeness.js';
import { AtTheDesk } from './at-the-desk.js';
import { Circular, Skip, Thing } from './desk.js';

describe('a foreign key that deletes the rows of another rule', () => {
  const at = AtTheDesk.open();
  const references = new Map([
    ['thing', ['circular']],
    ['circular', ['skip']],
  ]);
  const things = rule('desk.things', 'Things', { rows: owned(Thing, 'owner'), deleted: can(deleteRows, keep) });
  const skips = (name: string, action: typeof keep) =>
    rule(`desk.${name}`, 'Skips', { rows: owned(Skip, 'person'), deleted: can(action) });
  const circulars = rule('desk.circulars', 'Circulars', { rows: owned(Circular, 'accountId'), deleted: can(keep) });
  const problems = (...rules: Rule[]) =>
    deletedByEarlierRules(new RuleSet('desk', rules, at.bench.em()).parts, references);

  it('is found if that rule changes its rows afterwards, also across a table between', () => {
    expect(problems(things, circulars, skips('skips', unassign))).toEqual([
      'desk.things deletes rows of desk.skips by a cascade: list desk.skips before it',
    ]);
  });

  it('is no problem if that rule comes first, or only counts', () => {
    expect(problems(skips('skips', unassign), things)).toEqual([]);
    expect(problems(things, skips('skips', keep))).toEqual([]);
  });
});
