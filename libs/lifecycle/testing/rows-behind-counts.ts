import type { RowAnswer, RowPage } from '#libs/contracts';
import { affectedRows, previewedRows, type Action } from '#libs/lifecycle';
import type { Scene } from './scene.js';

/** The pages of the rows behind a previewed count have exactly so many rows, each with a label or hidden. */
export async function expectRowsBehindPreview(s: Scene): Promise<void> {
  const { bench, rule, transition, asker, example } = s;
  const request = { ...s.question(), rule: rule.id, part: example.part, transition, asker };
  const now = bench.clock.now();
  const { rows } = await allPages((page) =>
    previewedRows(bench.em().getKysely(), bench.rules, { ...request, ...page }, now),
  );
  const ids = rows.map(({ id }) => id);
  expect(ids).toHaveLength(s.several);
  expect(ids).toEqual([...new Set(ids)].sort());
  for (const row of rows) expectShown(row, s);
}

/** The same after the departure, as far as the rows are still there, with the users who have them now. */
export async function expectRowsBehindReceipt(s: Scene): Promise<void> {
  const { bench, rule, asker, action, leaver, example } = s;
  const { accountId, userId } = leaver;
  const request = { accountId, userId, lifecycleVersion: 2, rule: rule.id, part: example.part, asker };
  const { rows, reason, gone } = await allPages((page) =>
    affectedRows(bench.em().getKysely(), bench.rules, { ...request, ...page }),
  );
  const lost = lostBy(action);
  expect({ rows: rows.length, reason, gone }).toEqual({
    rows: lost ? 0 : s.several,
    reason: lost,
    gone: lost === 'destroyed' ? s.several : 0,
  });
  for (const row of rows) {
    expectShown(row, s);
    if (action.needsSuccessor) expect(row.holderId).toBe(asker.userId);
    if (action.name === 'unassign') expect(row.holderId).toBeUndefined();
  }
}

/** Why the rows cannot be listed after the action. */
function lostBy({ effect, undo, later }: Action): 'destroyed' | 'not-recorded' | undefined {
  if (later) return undefined;
  if (effect.kind === 'delete') return 'destroyed';
  return effect.kind === 'set' && undo !== 'on-request' ? 'not-recorded' : undefined;
}

function expectShown(row: RowAnswer, s: Scene): void {
  const { shown } = s.rows;
  if (!shown) return expect(row.label).toBe(row.id);
  expect(row.type).toBe(shown.type);
  expect(row).toEqual(row.hidden ? expect.objectContaining({ label: null }) : row);
  if (row.hidden) expect(shown.see).not.toContain('managers');
  else expect(row.label).toMatch(/\S/);
}

async function allPages(pageAfter: (page: { after: string | null; limit: number }) => Promise<RowPage>) {
  const rows: RowAnswer[] = [];
  let gone = 0;
  let page = await pageAfter({ after: null, limit: 2 });
  for (;;) {
    rows.push(...page.rows);
    gone += page.gone;
    if (page.next === null) return { rows, gone, reason: page.reason };
    page = await pageAfter({ after: page.next, limit: 2 });
  }
}
