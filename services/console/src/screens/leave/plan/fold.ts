import type { Fate, FateCounts } from '../../../components/fate';
import type { Action, ActionInput, Line } from './choices';

/** What happens to the rows of a rule, over both steps of a deletion. */
export interface FoldedRule {
  rule: string;
  service: string;
  label: string;
  /** The line that decides in the end: of the deletion, if there is one. */
  line: Line;
  parts: readonly FoldedPart[];
  counts: FateCounts;
  total: number;
  /** What may be chosen, the same in both steps. */
  allowed: readonly Action[];
  isFixed: boolean;
  differs: boolean;
  destroys: number;
}

export interface FoldedPart {
  line: Line;
  count: number;
}

const NONE: FateCounts = { hands: 0, ends: 0, destroyed: 0, stays: 0 };
const HANDS: readonly Action[] = ['transfer', 'replace', 'unassign'];
const DESTROYS: readonly Action[] = ['delete', 'delete-after', 'release-after', 'redact', 'uninstall'];

/** What an action means for rows: also for one that is not chosen, and that no preview has judged yet. */
export function fateOfAction(action: Action): Fate {
  // `block` refuses the departure, so nothing happens to the rows.
  if (action === 'keep' || action === 'block') return 'stays';
  if (HANDS.includes(action)) return 'hands';
  return DESTROYS.includes(action) ? 'destroyed' : 'ends';
}

export const fateOf = ({ action, destroys }: Pick<Line, 'action' | 'destroys'>): Fate => {
  const fate = fateOfAction(action);
  if (destroys) return 'destroyed';
  return fate === 'destroyed' ? 'ends' : fate;
};

export const addCounts = (counts: readonly FateCounts[]): FateCounts =>
  counts.reduce(
    (sum, { hands, ends, destroyed, stays }) => ({
      hands: sum.hands + hands,
      ends: sum.ends + ends,
      destroyed: sum.destroyed + destroyed,
      stays: sum.stays + stays,
    }),
    NONE,
  );

export const changesOf = ({ hands, ends, destroyed }: FateCounts): number => hands + ends + destroyed;

/** One entry for each rule, in the order of the preview. */
export function fold(lines: readonly Line[]): FoldedRule[] {
  return [...Map.groupBy(lines, ({ rule }) => rule).values()].map(foldRule);
}

function foldRule(lines: Line[]): FoldedRule {
  const steps = [...Map.groupBy(lines, ({ part = '' }) => part).values()].map(foldPart);
  const last = lines.findLast(({ transition }) => transition === 'deleted') ?? lines[0]!;
  const { rule, service, label } = last;
  const allowed = [...new Set(lines.flatMap((line) => line.allowed))];
  const counts = addCounts(steps.map((step) => step.counts));
  return {
    ...{ rule, service, label, allowed, counts },
    line: last,
    parts: steps,
    total: steps.reduce((sum, { count }) => sum + count, 0),
    isFixed: allowed.length < 2 || last.allowed.length < 2,
    differs: last.differsFromPolicy,
    destroys: counts.destroyed,
  };
}

/**
 * A deletion first deactivates. What the second step acts on has its fate; what only the first step acted on, or what it left
 * to nobody, has the fate of the first.
 */
function foldPart(lines: readonly Line[]): FoldedPart & { counts: FateCounts } {
  const [first, second] = [
    lines.find(({ transition }) => transition === 'deactivated'),
    lines.find(({ transition }) => transition === 'deleted'),
  ];
  const line = second && (second.count > 0 || !first) ? second : (first ?? lines[0]!);
  const rest = first && second && first !== line ? Math.max(0, first.count - second.count) : 0;
  const counts = { ...NONE, [fateOf(line)]: line.count };
  if (first && rest > 0) counts[fateOf(first)] += rest;
  return { line, count: line.count + rest, counts };
}

/** The name of the action in a request or a policy. */
export const nameOf = (input: ActionInput): Action => (typeof input === 'string' ? input : input.action);
