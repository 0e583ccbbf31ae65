import { REASONS } from '../reasons.js';
import { machine } from './machine.js';
import { isMet, type Outcome } from './measure.js';
import { markdownTable } from './report.js';
import type { Plan } from './plans.js';

/** The content of `docs/PERFORMANCE.md`, which is never edited by hand. */
export function documentOf(outcomes: readonly Outcome[], plans: readonly Plan[], seconds: number, day: string): string {
  return [
    '# Performance',
    '',
    '<!-- Written by `npm run bench`. -->',
    '',
    'The benchmarks compare Leaver with other ways to do the same work. They run on a PostgreSQL and a NATS of their own. Both',
    'sides of a measure run in turn, for several rounds; the table shows the medians. PostgreSQL is durable (`fsync`,',
    '`synchronous_commit` and `full_page_writes` are on) and configured as `npm start` configures it, for both sides. Ratios are',
    'ours : theirs. CPU seconds are those of both servers and of the measuring process, where they are meaningful: per round,',
    'or per thousand items if the unit is a rate.',
    '',
    `Measured on ${day} in ${Math.round(seconds / 60)} minutes: ${machine()}.`,
    '',
    '```bash',
    'npm run bench              # runs all measures and writes this document',
    'npm run bench -- relay     # runs one measure and only prints it',
    '```',
    '',
    'Measure 7 needs `redis-server` (Debian: `apt-get install redis-server`) and is skipped without it.',
    '',
    '![All measures compared with their goals](performance.svg)',
    '',
    markdownTable(outcomes),
    '',
    ...missedOf(outcomes),
    '## Query plans',
    '',
    'The plans of the most frequent statements, in a contacts service with 900,000 contacts',
    '(`explain (analyze, buffers, timing off)`).',
    '',
    ...plans.flatMap(({ title, lines }) => [`### ${title}`, '', '```', ...lines, '```', '']),
  ].join('\n');
}

function missedOf(outcomes: readonly Outcome[]): string[] {
  const about = outcomes.flatMap(({ measure, findings, skipped }) => {
    if (skipped) return [`- Measure ${measure.number} (${measure.name}) was skipped: ${skipped}`];
    const missed = findings.filter((finding) => !isMet(finding));
    const notes = findings.flatMap(({ note }) => note ?? []);
    if (missed.length === 0 && notes.length === 0) return [];
    const ratios = missed.map(({ what, ratio }) => `${what}: ${ratio.toFixed(2)}×`);
    const reason = missed.length > 0 ? (REASONS[measure.number]?.replaceAll('\n', ' ') ?? '') : '';
    const verdict =
      missed.length > 0
        ? `Measure ${measure.number} misses its goal (${ratios.join('; ')}).`
        : `Measure ${measure.number}:`;
    return [`- ${[verdict, reason, ...notes].filter(Boolean).join(' ')}`];
  });
  return about.length > 0 ? ['## Notes', '', ...about, ''] : [];
}
