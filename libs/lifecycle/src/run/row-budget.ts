import type { Effect } from '../declare/actions.js';
import type { Counting, Statements } from '../sql/statements.js';

/** How many rows one statement may change, and how many of one person. What exceeds it goes on as a task, in chunks. */
export interface RowBudget {
  perPerson: number;
  total: number;
}

export const DEFAULT_BUDGET: RowBudget = { perPerson: 2_000, total: 50_000 };

/** Those whose rows one statement may change together. */
export function withinBudget<T>(all: readonly T[], sizeOf: (one: T) => number, { perPerson, total }: RowBudget): T[] {
  let left = total;
  return all.filter((one) => {
    const size = sizeOf(one);
    if (size > perPerson || size > left) return false;
    left -= size;
    return true;
  });
}

/**
 * How many rows several people have that the steps to come are to change, counted no further than one may have: for the
 * budget, and to leave out statements that would find nothing. What a rule counts that keeps its rows need not be counted
 * twice.
 */
export class RowCountCache {
  private readonly known = new Map<Statements, Map<Effect | 'all', Map<string, number>>>();
  private readonly invalidated = new Set<string>();
  private asked = false;

  constructor(
    private readonly wanted: readonly Counting[],
    private readonly perPerson: number,
  ) {}

  /** What has still to be counted; no more than once. */
  takeUncounted(): Counting[] {
    if (this.asked) return [];
    this.asked = true;
    return this.wanted
      .filter(({ statements, effect, leavers }) =>
        leavers.some(({ userId }) => this.get(statements, effect, userId) === undefined),
      )
      .map((counting) => ({ ...counting, atMost: this.perPerson + 1 }));
  }

  set({ statements, effect }: Counting, counts: ReadonlyMap<string, number>): void {
    const selections = this.known.get(statements) ?? new Map<Effect | 'all', Map<string, number>>();
    const selection = statements.selectionOf(effect);
    selections.set(selection, new Map([...(selections.get(selection) ?? []), ...counts]));
    this.known.set(statements, selections);
  }

  /** At most so many, at the time of the count. */
  get(statements: Statements, effect: Effect, userId: string): number | undefined {
    const selections = this.known.get(statements);
    return selections?.get(statements.selectionOf(effect))?.get(userId) ?? selections?.get('all')?.get(userId);
  }

  /** Rows have been changed: of their table what was counted before tells no longer that there is nothing. */
  invalidate(statements: Statements, effect: Effect): void {
    this.invalidated.add(changesOthers(effect) ? ANY : statements.tableName);
  }

  /** Whether there was nothing, and nothing can have come to it since. */
  isEmpty(statements: Statements, effect: Effect, userId: string): boolean {
    if (this.invalidated.has(ANY) || this.invalidated.has(statements.tableName)) return false;
    return this.get(statements, effect, userId) === 0;
  }
}

/** Stands for every table: an effect may change others along with its own. */
const ANY = '*';
const changesOthers = (effect: Effect): boolean =>
  (effect.kind === 'set' || effect.kind === 'delete') && effect.sideEffects !== undefined;
