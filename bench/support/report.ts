import { isMet, type Finding, type Goal, type Outcome } from './measure.js';

const goalOf = (goal: Goal | undefined): string => {
  if (!goal) return '';
  return goal.atLeast === undefined ? `≤ ${goal.atMost}×` : `≥ ${goal.atLeast}×`;
};
const verdict = (finding: Finding): string => (!finding.goal ? '' : isMet(finding) ? 'yes' : '**no**');
const ratio = ({ ratio }: Finding): string => `${ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2)}×`;
const cpuOf = ({ cpu }: Finding): string => (cpu ? `${cpu.ours.toPrecision(3)} : ${cpu.theirs.toPrecision(3)}` : '');

const HEADING = ['#', 'what', 'ours', 'against', 'theirs', 'ratio', 'goal', 'met', 'CPU s'];

function cells(outcomes: readonly Outcome[]): string[][] {
  return outcomes.flatMap(({ measure, findings, skipped }) => {
    if (skipped) return [[String(measure.number), measure.name, '', '', '', '', '', 'not measured', '']];
    return findings.map((f) => [
      String(measure.number),
      f.what,
      f.ours,
      f.against,
      f.theirs,
      ratio(f),
      goalOf(f.goal),
      verdict(f),
      cpuOf(f),
    ]);
  });
}

/** The table for the terminal. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const rows = [HEADING, ...cells(outcomes)];
  const widths = HEADING.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The table for the document. */
export function markdownTable(outcomes: readonly Outcome[]): string {
  const rows = [HEADING, HEADING.map(() => '---'), ...cells(outcomes)];
  return rows.map((row) => `| ${row.join(' | ')} |`).join('\n');
}
