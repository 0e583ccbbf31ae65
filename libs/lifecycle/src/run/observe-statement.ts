import { channel } from 'node:diagnostics_channel';
import { inSpan } from '#libs/observability';
import { namingRule } from '../declare/failure.js';
import type { Step } from './rule-set.js';
import type { Changed } from '../sql/chunk.js';

/** What one statement of a rule has done, for one or many leavers. */
export interface RuleApplied {
  rule: string;
  action: string;
  rows: number;
  /** Duration of the statement, without the commit. */
  seconds: number;
}

export const ruleApplied = channel('leaver.rule-applied');

/** Runs a statement of a rule in a span and publishes its result to the channel `leaver.rule-applied`. */
export async function observeStatement<T extends Changed | ReadonlyMap<string, number>>(
  { part, action }: Pick<Step, 'part' | 'action'>,
  statement: () => Promise<T>,
): Promise<T> {
  const attributes = { 'leaver.rule': part.rule.id, 'leaver.action': action.name };
  const started = performance.now();
  const span = { name: `rule ${part.rule.id}`, kind: 'internal' as const, attributes };
  const changed = await namingRule(part.rule.id, part.rows.part, () => inSpan(span, statement));
  const rows = 'firstId' in changed ? changed.count : [...changed.values()].reduce((sum, count) => sum + count, 0);
  const seconds = (performance.now() - started) / 1_000;
  ruleApplied.publish({ rule: part.rule.id, action: action.name, rows, seconds } satisfies RuleApplied);
  return changed;
}
