import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { withTimeout } from '#libs/jobs';
import { format, resolveConfig } from 'prettier';
import { measures } from './measures.js';
import { documentOf } from './support/document.js';
import { isMet, type Bench, type Measure, type Outcome } from './support/measure.js';
import { clock } from './support/participant.js';
import { pictureOf } from './support/picture.js';
import { plansOf } from './support/plans.js';
import { tableOf } from './support/report.js';
import { Stage } from './support/stage.js';

/** For trying a measure: with BENCH_SCALE=0.01 everything is a hundred times smaller, and no document is written. */
const scale = Number(process.env.BENCH_SCALE ?? 1);
/** BENCH_WRITE names another folder for the document and its picture. */
const folder = process.env.BENCH_WRITE ?? (scale === 1 ? 'docs' : undefined);
const LONGEST = 480_000;
const wanted = process.argv.slice(2);
const chosen = measures.filter(isWanted);
if (chosen.length < Math.max(1, wanted.length)) {
  process.stderr.write(`The measures are: ${measures.map(({ name }) => name).join(', ')}\n`);
  process.exit(1);
}

const stage = await Stage.open();
const begun = performance.now();
try {
  const outcomes: Outcome[] = [];
  for (const measure of chosen) {
    outcomes.push(await outcomeOf(measure));
    await stage.settle();
  }
  process.stdout.write(`\n${tableOf(outcomes)}\n`);
  if (folder && wanted.length === 0) await writeDown(outcomes, folder);
  const missed = outcomes.flatMap(({ findings }) => findings).filter((finding) => !isMet(finding)).length;
  process.stdout.write(missed === 0 ? 'Every goal is met.\n' : `Goals missed: ${missed}\n`);
} finally {
  await stage.close();
}
// A compared program that hangs may hold connections open.
process.exit(0);

function isWanted({ name, number }: Measure): boolean {
  return wanted.length === 0 || wanted.includes(name) || wanted.includes(String(number));
}

function benchFor(title: string): Bench {
  return {
    stage,
    size: (full) => Math.max(1, Math.round(full * scale)),
    say: (text) => process.stderr.write(`  ${title}: ${text}\n`),
  };
}

async function outcomeOf(measure: Measure): Promise<Outcome> {
  const bench = benchFor(`${measure.number} ${measure.name}`);
  const started = performance.now();
  try {
    // A compared program that never ends must not stop the other measures.
    const findings = await withTimeout(measure.run(bench), LONGEST, measure.name);
    bench.say(`took ${((performance.now() - started) / 1_000).toFixed(0)} s, with everything around it`);
    return { measure, findings };
  } catch (error) {
    // A failed measure does not affect the others; the document names it.
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return { measure, findings: [], skipped: error instanceof Error ? error.message : String(error) };
  }
}

async function writeDown(outcomes: readonly Outcome[], folder: string): Promise<void> {
  const plans = await plansOf(benchFor('plans'));
  const seconds = (performance.now() - begun) / 1_000;
  const day = clock.now().toISOString().slice(0, 10);
  const file = `${folder}/PERFORMANCE.md`;
  const style = await resolveConfig('docs/PERFORMANCE.md');
  await writeFile(file, await format(documentOf(outcomes, plans, seconds, day), { ...style, parser: 'markdown' }));
  await writeFile(`${folder}/performance.svg`, pictureOf(outcomes));
}
