import { REASONS } from '../reasons.js';
import { machine } from './machine.js';
import { isMet, type Outcome } from './measure.js';
import { markdownTable } from './report.js';
import type { Plan } from './plans.js';

/** The whole of `docs/PERFORMANCE.md`. Nothing in it is written by hand, so that it cannot say what was not measured. */
export function documentOf(outcomes: readonly Outcome[], plans: readonly Plan[], seconds: number, day: string): string {
  return [
    '# Performance',
    '',
    '<!-- Written by `npm run bench`. -->',
    '',
    'Each measure runs beside its rival in the same run, in turn, on a PostgreSQL and a NATS of its own; medians of the rounds.',
    'PostgreSQL is durable (`fsync`, `synchronous_commit` and `full_page_writes` on) and set as `npm start` sets it, for both',
    'sides. Ratios are ours : theirs. CPU seconds are those of both servers and of the measuring process, where that means',
    'something: for a round, or for a thousand pieces where the unit is a rate.',
    '',
    `Measured on ${day} in ${Math.round(seconds / 60)} minutes: ${machine()}.`,
    '',
    '```bash',
    'npm run bench              # everything, and this document',
    'npm run bench -- relay     # one measure, printed only',
    '```',
    '',
    'Measure 7 needs `redis-server` (Debian: `apt-get install redis-server`); without it, it is left out.',
    '',
    '![Every measure against its goal](performance.svg)',
    '',
    markdownTable(outcomes),
    '',
    ...missedOf(outcomes),
    '## Plans of the hot statements',
    '',
    'As PostgreSQL carries them out in a contacts service with a million contacts (`explain (analyze, buffers, timing off)`).',
    '',
    ...plans.flatMap(({ title, lines }) => [`### ${title}`, '', '```', ...lines, '```', '']),
  ].join('\n');
}

function missedOf(outcomes: readonly Outcome[]): string[] {
  const about = outcomes.flatMap(({ measure, findings, skipped }) => {
    if (skipped) return [`- ${measure.number} (${measure.name}) was not measured: ${skipped}`];
    const missed = findings.filter((finding) => !isMet(finding));
    const notes = findings.flatMap(({ note }) => note ?? []);
    if (missed.length === 0 && notes.length === 0) return [];
    const ratios = missed.map(({ what, ratio }) => `${what} ${ratio.toFixed(2)}×`);
    const reason = missed.length > 0 ? (REASONS[measure.number]?.replaceAll('\n', ' ') ?? '') : '';
    const verdict = missed.length > 0 ? `${measure.number}, missed: ${ratios.join('; ')}.` : `${measure.number}:`;
    return [`- ${[verdict, reason, ...notes].filter(Boolean).join(' ')}`];
  });
  return about.length > 0 ? ['## What to know about them', '', ...about, ''] : [];
}
