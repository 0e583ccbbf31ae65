import { sideEffectsOf, type Effect } from '../declare/actions.js';
import type { Counting } from '../sql/counting.js';
import type { Statements } from '../sql/statements.js';

/** How many rows one statement may change, in total and of one leaver. Larger steps continue as tasks, in chunks. */
export interface RowBudget {
  perPerson: number;
  total: number;
}

export const DEFAULT_BUDGET: RowBudget = { perPerson: 2_000, total: 50_000 };

/** The items whose rows together fit into the budget. */
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
 * Row counts per leaver for the steps of a run, counted up to one more than the budget of one leaver. Used to apply the
 * budget and to skip statements that would find no rows. The counts of `keep` rules are used here, too.
 */
export class RowCountCache {
  private readonly known = new Map<Statements, Map<Effect | 'all', Map<string, number>>>();
  private readonly invalidated = new Set<string>();
  private asked = false;

  constructor(
    private readonly wanted: readonly Counting[],
    private readonly perPerson: number,
  ) {}

  /** The counts that are still missing. Only the first call returns any. */
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

  /** The number of rows at the time of the count, which is an upper bound for the effect's rows. */
  get(statements: Statements, effect: Effect, userId: string): number | undefined {
    const selections = this.known.get(statements);
    return selections?.get(statements.selectionOf(effect))?.get(userId) ?? selections?.get('all')?.get(userId);
  }

  /** Call after rows have changed: a count of 0 for their table no longer shows that there are none. */
  invalidate(statements: Statements, effect: Effect): void {
    this.invalidated.add(changesOthers(effect) ? ANY : statements.tableName);
  }

  /** Whether the count was 0 and no statement can have added rows since. */
  isEmpty(statements: Statements, effect: Effect, userId: string): boolean {
    if (this.invalidated.has(ANY) || this.invalidated.has(statements.tableName)) return false;
    return this.get(statements, effect, userId) === 0;
  }
}

/** Stands for every table, because side effects can change any. */
const ANY = '*';
const changesOthers = (effect: Effect): boolean => sideEffectsOf(effect)?.local !== undefined;
