import { isMet, type Finding, type Outcome } from './measure.js';

const ROW = 26;
const LABELS = 470;
const CHART = 420;
const WIDTH = LABELS + CHART + 110;
const TOP = 64;
/** The chart covers a tenth of the goal to ten times as good; values beyond that are clipped. */
const DECADES = 1;
const COLOURS = { met: '#2f7d4f', missed: '#c0392b', ink: '#24292f', grid: '#d0d7de' };

/** An SVG chart of each result relative to its goal, on a logarithmic scale. Bars to the right meet the goal. */
export function pictureOf(outcomes: readonly Outcome[]): string {
  const bars = outcomes.flatMap(({ measure, findings }) =>
    findings.filter(({ goal }) => goal).map((finding) => ({ finding, number: measure.number })),
  );
  const height = TOP + bars.length * ROW + 20;
  const lines = [-1, 0, 1].map((decade) => gridLine(decade, height - 12));
  const rows = bars.map(({ finding, number }, index) => rowOf(finding, number, TOP + index * ROW));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13" fill="${COLOURS.ink}">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="12" y="24" font-size="16" font-weight="600">Results compared with the goals</text>`,
    ...lines,
    ...rows,
    '</svg>',
    '',
  ].join('\n');
}

const middle = LABELS + CHART / 2;
const xOf = (timesAsGood: number): number => {
  const decades = Math.log10(Math.max(timesAsGood, 1e-9));
  return middle + (Math.max(-DECADES, Math.min(DECADES, decades)) * CHART) / 2 / DECADES;
};

function gridLine(decade: number, bottom: number): string {
  const x = xOf(10 ** decade);
  const words = ['a tenth as good', 'the goal', 'ten times as good'][decade + 1]!;
  return (
    `<line x1="${x}" y1="52" x2="${x}" y2="${bottom}" stroke="${COLOURS.grid}" stroke-width="${decade === 0 ? 2 : 1}"/>` +
    `<text x="${x}" y="46" text-anchor="middle" font-size="11">${words}</text>`
  );
}

function rowOf(finding: Finding, number: number, y: number): string {
  const x = xOf(timesAsGood(finding));
  const colour = isMet(finding) ? COLOURS.met : COLOURS.missed;
  const label = escaped(shortened(`${number}  ${finding.what} / ${finding.against}`));
  return (
    `<text x="12" y="${y + 17}">${label}</text>` +
    `<rect x="${Math.min(x, middle).toFixed(1)}" y="${y + 5}" width="${Math.max(2, Math.abs(x - middle)).toFixed(1)}" height="${ROW - 10}" fill="${colour}"/>` +
    `<text x="${LABELS + CHART + 12}" y="${y + 17}">${finding.ratio.toFixed(2)}×</text>`
  );
}

/** 1 for a goal just met, 2 for twice as good. */
function timesAsGood({ ratio, goal }: Finding): number {
  if (goal?.atLeast !== undefined) return ratio / goal.atLeast;
  return (goal?.atMost ?? 1) / ratio;
}

const LONGEST = 70;
const shortened = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);
const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
