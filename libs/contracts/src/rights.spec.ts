import { ALL_OPERATIONS } from './operations.js';
import type { Access } from './operation.js';
import { MANAGERS } from './principal.js';
import { RIGHTS, whoMay, type Rights, type Who } from './rights.js';

const lines: [string, Rights][] = Object.entries(RIGHTS);

/** What operations that these users may call can declare: `access` describes one row, which its owner may have shared or not. */
function declarable(who: readonly Who[]): Access[] {
  if (who.includes('everyone')) return ['signed-in'];
  if (!who.includes('own') && !who.includes('team')) return [MANAGERS];
  return [
    'record-owner',
    'record-grantee',
    ...(who.includes('managers') ? (['record-owner-or-manager'] as const) : []),
    ...(who.includes('team') ? (['signed-in'] as const) : []),
  ];
}

describe.each(lines)('%s', (resource, rights) => {
  const operations = ALL_OPERATIONS.filter(({ id }) => id.startsWith(`${resource}.`));

  it('declares what the matrix says for every operation on a row', () => {
    const onRow = operations.filter(({ path, access }) => /\/:(id|userId)/.test(path) && access !== 'public');
    const wrong = onRow.filter(({ id, access }) => {
      if (resource === 'users' || resource === 'teams') return false;
      const allowed = declarable(whoMay(rights, id.slice(resource.length + 1)));
      return !allowed.some((one) => JSON.stringify(one) === JSON.stringify(access));
    });
    expect(wrong.map(({ id, access }) => `${id}: ${access.toString()}`)).toEqual([]);
  });

  it('names only actions that exist, and says what own and team mean where it uses them', () => {
    const verbs = operations.map(({ id }) => id.slice(resource.length + 1));
    const named = [...Object.keys(rights.actions ?? {}), ...(rights.notOwn ?? [])];
    expect(named.filter((action) => !verbs.includes(action))).toEqual([]);
    const used = [rights.see, rights.change ?? [], rights.remove ?? [], ...Object.values(rights.actions ?? {})].flat();
    for (const relation of ['own', 'team'] as const)
      if (used.includes(relation))
        expect([resource, relation, typeof rights[relation]]).toEqual([resource, relation, 'string']);
  });
});

it('every resource outside identity has a line', () => {
  const ids = ALL_OPERATIONS.filter(({ service, path }) => service !== 'identity' && path.includes('/:id')).map(
    ({ id }) => id,
  );
  const lacking = ids.filter((id) => !lines.some(([resource]) => id.startsWith(`${resource}.`)));
  expect(lacking.map((id) => `${id}: add a line to libs/contracts/src/rights.ts`)).toEqual([]);
});
