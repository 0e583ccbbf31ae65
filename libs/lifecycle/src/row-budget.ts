import type { Db } from './rule.js';
import { countTogether, type Counting } from './counting.js';
import type { Statements } from './statements.js';

/** How many rows one statement may change, and how many of one person. What exceeds it goes on as a task, in chunks. */
export interface RowBudget {
  perPerson: number;
  total: number;
}

export const DEFAULT_BUDGET: RowBudget = { perPerson: 2_000, total: 50_000 };

/** Those whose rows one statement may change together. */
export function fitting<T>(all: readonly T[], sizeOf: (one: T) => number, { perPerson, total }: RowBudget): T[] {
  let left = total;
  return all.filter((one) => {
    const size = sizeOf(one);
    if (size > perPerson || size > left) return false;
    left -= size;
    return true;
  });
}

/**
 * How many rows several people have of each kind, counted no further than one may have. Rows that a rule counted before
 * they change need not be counted twice.
 */
export class Sizes {
  private readonly known = new Map<Statements, Map<string, number>>();
  private asked = false;

  constructor(
    private readonly wanted: readonly Counting[],
    private readonly perPerson: number,
  ) {}

  note(statements: Statements, counts: ReadonlyMap<string, number>): void {
    this.known.set(statements, new Map([...(this.known.get(statements) ?? []), ...counts]));
  }

  /** Counts what nobody has counted, the first time. */
  async ask(db: Db): Promise<void> {
    if (this.asked) return;
    this.asked = true;
    const unknown = this.wanted.filter(({ statements, leavers }) =>
      leavers.some(({ userId }) => this.of(statements, userId) === undefined),
    );
    const counts = await countTogether(
      db,
      unknown.map((counting) => ({ ...counting, atMost: this.perPerson + 1 })),
    );
    for (const [index, { statements }] of unknown.entries()) this.note(statements, counts[index]!);
  }

  of(statements: Statements, userId: string): number | undefined {
    return this.known.get(statements)?.get(userId);
  }
}
