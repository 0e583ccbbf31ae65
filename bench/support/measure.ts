import { minus, total, type Cpu } from './cpu.js';
import type { Stage } from './stage.js';

/** One row or several related rows of the table in `docs/PERFORMANCE.md`. */
export interface Measure {
  number: number;
  /** The argument of `npm run bench -- <name>`. */
  name: string;
  run: (bench: Bench) => Promise<Finding[]>;
}

/** The environment of a measure. */
export interface Bench {
  stage: Stage;
  /** Scales a size down by BENCH_SCALE, for the development of a measure. */
  size: (full: number) => number;
  say: (text: string) => void;
}

export interface Finding {
  what: string;
  against: string;
  ours: string;
  theirs: string;
  /** Ours divided by theirs. The goal applies to it. */
  ratio: number;
  unit?: string;
  /** Undefined for rows that only add information. */
  goal?: Goal;
  cpu?: { ours: number; theirs: number };
  /** An explanation, for example of a missed goal. */
  note?: string;
}

export interface Outcome {
  measure: Measure;
  findings: Finding[];
  /** Why there are no findings. */
  skipped?: string;
}

export interface Goal {
  atLeast?: number;
  atMost?: number;
}

export const isMet = ({ ratio, goal }: Finding): boolean =>
  !goal || (ratio >= (goal.atLeast ?? -Infinity) && ratio <= (goal.atMost ?? Infinity));

export interface Sample {
  seconds: number;
  cpu: Cpu;
  /** The number of items that the side has processed; 1 if it does not count. */
  work: number;
}

/** One side of a comparison. Only `run` is measured. */
export interface Side<T = void> {
  prepare?: () => Promise<T>;
  /** @returns the number of processed items, for a rate */
  run: (prepared: T) => Promise<number | void>;
  finish?: (prepared: T) => Promise<unknown>;
}

/** Runs the sides in turn, several times, so that other load on the machine affects all of them equally. */
export async function inTurn<K extends string>(
  { stage, say }: Bench,
  times: number,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  sides: Record<K, Side<any>>,
): Promise<Record<K, Sample[]>> {
  const names = Object.keys(sides) as K[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as Sample[]])) as Record<K, Sample[]>;
  for (let round = 1; round <= times; round++) {
    for (const name of names) {
      const sample = await sampleOf(stage, sides[name]);
      samples[name].push(sample);
      say(`${name} ${round}/${times}: ${sample.seconds.toFixed(2)} s, CPU ${total(sample.cpu).toFixed(2)} s`);
    }
  }
  return samples;
}

async function sampleOf<T>(stage: Stage, side: Side<T>): Promise<Sample> {
  const prepared = (await side.prepare?.()) as T;
  try {
    const before = await stage.cpu();
    const begun = performance.now();
    const work = (await side.run(prepared)) ?? 1;
    const seconds = (performance.now() - begun) / 1_000;
    return { seconds, work, cpu: minus(await stage.cpu(), before) };
  } finally {
    await side.finish?.(prepared);
  }
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** @param share 0.99 for the value that 1% exceeds */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return low + (high - low) * (at - Math.floor(at));
}

export const medianSeconds = (samples: readonly Sample[]): number => median(samples.map(({ seconds }) => seconds));
export const medianRate = (samples: readonly Sample[]): number => median(samples.map((s) => s.work / s.seconds));
const medianCpu = (samples: readonly Sample[]): number => median(samples.map(({ cpu, work }) => total(cpu) / work));

type Words = Pick<Finding, 'what' | 'against' | 'goal' | 'note'>;

/** Compares items per second; more is better. CPU seconds are per thousand items. */
export function compareRates(words: Words, ours: readonly Sample[], theirs: readonly Sample[], unit: string): Finding {
  const [a, b] = [medianRate(ours), medianRate(theirs)];
  const perSecond = (rate: number) => `${rounded(rate)} ${unit}/s`;
  const cpu = { ours: medianCpu(ours) * 1_000, theirs: medianCpu(theirs) * 1_000 };
  return { ...words, ours: perSecond(a), theirs: perSecond(b), ratio: a / b, cpu };
}

/** Compares durations; less is better. */
export function compareTimes(words: Words, ours: readonly Sample[], theirs: readonly Sample[]): Finding {
  const [a, b] = [medianSeconds(ours), medianSeconds(theirs)];
  const cpu = { ours: median(ours.map((s) => total(s.cpu))), theirs: median(theirs.map((s) => total(s.cpu))) };
  return { ...words, ours: duration(a), theirs: duration(b), ratio: a / b, cpu };
}

export function compareMilliseconds(words: Words, ours: number, theirs: number): Finding {
  return { ...words, ours: duration(ours / 1_000), theirs: duration(theirs / 1_000), ratio: ours / theirs };
}

export const rounded = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
export const duration = (seconds: number): string =>
  seconds >= 1 ? `${seconds.toFixed(2)} s` : `${(seconds * 1_000).toPrecision(3)} ms`;
