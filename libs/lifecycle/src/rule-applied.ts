import { channel } from 'node:diagnostics_channel';

/** What one statement of a rule has done, for many people perhaps. */
export interface RuleApplied {
  rule: string;
  action: string;
  rows: number;
  /** Until the statement was answered, not until it was committed. */
  seconds: number;
}

export const ruleApplied = channel('leaver.rule-applied');

/** Runs a statement of a rule, and tells whoever counts such things what it did. */
export async function observed<T extends { count: number }>(
  rule: string,
  action: string,
  statement: () => Promise<T[]>,
): Promise<T[]> {
  const started = performance.now();
  const touched = await statement();
  const rows = touched.reduce((sum, { count }) => sum + count, 0);
  const seconds = (performance.now() - started) / 1_000;
  ruleApplied.publish({ rule, action, rows, seconds } satisfies RuleApplied);
  return touched;
}
