import type { RowPage, RowsRequest } from '#libs/contracts';
import type { LeaverRow } from '../declare/leaver.js';
import type { Db } from '../declare/where.js';
import type { RuleSet, Step } from '../run/rule-set.js';
import { RowPages } from '../sql/row-pages.js';
import { previewedSteps } from './preview.js';

const NOTHING: RowPage = { rows: [], next: null, gone: 0 };

/**
 * A page of the rows that a line of the preview counts, with the preview's conditions: all pages together have as many rows
 * as the line says, if nothing is written in between.
 */
export async function previewedRows(db: Db, rules: RuleSet, request: RowsRequest, now: Date): Promise<RowPage> {
  const { userId, accountId, wasManager, rule, part, transition, asker } = request;
  const leaver: LeaverRow = { userId, accountId, wasManager, leftAt: now };
  const { reached } = await previewedSteps(db, rules, request, leaver);
  const isAsked = ({ part: of, transition: on }: Step) =>
    of.rule.id === rule && of.rows.part === part && on === transition;
  const step = [...reached.keys()].find(isAsked);
  if (!step) return NOTHING;
  const { statements, action, remote } = step;
  const pages = new RowPages(statements, step.part.rows, asker, reached.get(step));
  if (remote)
    return pages.items(db, action.effect, leaver, { items: remote.effect.items, type: remote.effect.part }, request);
  return pages.selected(db, action.effect, leaver, request);
}
