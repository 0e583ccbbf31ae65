import type { Cluster } from './cluster/cluster.js';
import type { Round } from './round.js';

/** Counts what happened in a run and prints it. */
export class Report {
  private readonly kinds = new Map<string, number>();
  private readonly answers = new Map<string, number>();
  private readonly missing: string[] = [];

  get faults(): number {
    return [...this.kinds.values()].reduce((sum, count) => sum + count, 0);
  }

  add({ faults, answers }: Round): void {
    for (const [into, counts] of [
      [this.kinds, faults],
      [this.answers, answers],
    ] as const)
      for (const [key, count] of counts) into.set(key, (into.get(key) ?? 0) + count);
  }

  /** Records what the checker found without a safeguard. */
  without(file: string, found: readonly string[]): void {
    this.missing.push(`without the safeguard in ${file}: ${found.join('; ')}`);
  }

  print({ struck, ended }: Cluster): void {
    const table = (title: string, counts: ReadonlyMap<string, number>) =>
      `${title}\n${[...counts]
        .sort()
        .map(([key, count]) => `  ${String(count).padStart(5)}  ${key}\n`)
        .join('')}`;
    process.stderr.write(
      [
        table(`${this.faults} faults`, this.kinds),
        table('failpoints that struck', struck),
        table('answers of the API', this.answers),
        `processes that ended unexpectedly: ${ended}\n`,
        ...this.missing.map((line) => `${line}\n`),
      ].join(''),
    );
  }
}
