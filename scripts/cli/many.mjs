import { readFile } from 'node:fs/promises';
import { transitionIn } from './departures.mjs';
import { Ending, EXIT, usageFault } from './ending.mjs';
import { ask } from './questions.mjs';
import { paint } from './views.mjs';

const LOOK_EVERY = 500;
const pause = () => new Promise((wake) => setTimeout(wake, LOOK_EVERY));

/** Has everybody in a file leave: `staffId,successorStaffId`, the second column for whoever takes over. */
export async function bulk(context) {
  const {
    api,
    args: [file],
    values,
    out,
    say,
    tell,
  } = context;
  const transition = transitionIn(values);
  const csv = await readFile(file, 'utf8').catch((error) => {
    throw usageFault(error.message);
  });
  if (!values.yes) await confirmed(csv, transition);
  const { id } = await api.upload(`/v1/departures/bulk?transition=${transition}`, csv);
  const path = `/v1/departures/bulk/${id}`;
  let latest = await api.get(`${path}?limit=1`);
  while (values.watch && latest.status === 'running') {
    showProgress(say, latest.counts);
    await pause();
    latest = await api.get(`${path}?limit=1`);
  }
  if (values.watch && say.isTerminal) say.overwrite('');
  const rows = await allRows(api, path);
  const { rows: _first, nextCursor: _cursor, ...about } = latest;
  tell({ ...about, rows }, () => showBulk(out, about, rows));
  const wrong = rows.some((row) => ['refused', 'failed'].includes(row.status));
  return wrong ? EXIT.failed : EXIT.done;
}

async function confirmed(csv, transition) {
  if (!process.stdin.isTTY) throw usageFault('Nobody is here to confirm it: use --yes.');
  const people = csv.trim().split(/\r?\n/).length - 1;
  const answer = await ask(`${people} people are to be ${transition}. Type ${people} to go on: `);
  if (answer !== String(people)) throw new Ending(EXIT.failed, 'Nothing has been done.');
}

async function allRows(api, path) {
  const rows = [];
  let cursor;
  do {
    const page = await api.get(`${path}?${new URLSearchParams({ limit: 2000, ...(cursor && { cursor }) })}`);
    rows.push(...page.rows);
    cursor = page.nextCursor;
  } while (cursor);
  return rows;
}

function showProgress(say, { total, refused, completed, failed }) {
  const done = refused + completed + failed;
  if (say.isTerminal) say.overwrite(`  ${say.bar(done, total)}  ${refused} refused, ${failed} failed`);
  else say.line(`${done}/${total}`);
}

function showBulk(out, { id, transition, status, counts }, rows) {
  out.line(`${out.bold(`${transition}: ${paint(out, status)}`)}  ${out.dim(id)}`);
  out.line(
    `  ${counts.total} people: ${counts.accepted} accepted, ${counts.refused} refused, ${counts.completed} completed, ${counts.failed} failed`,
  );
  const worth = rows.filter((row) => ['refused', 'failed'].includes(row.status));
  if (worth.length > 0)
    out.table(
      ['#row', 'status', 'code', 'why'],
      worth.map(({ row, status: how, code, detail }) => [row, paint(out, how), code, detail]),
    );
}

/** Counts again, over everybody who has left, what still breaks a promise. */
export async function verify({ api, out, say, tell }) {
  const { id } = await api.post('/v1/departures/verify');
  let found = await api.get(`/v1/departures/verify/${id}`);
  while (found.status === 'running') {
    if (say.isTerminal) say.overwrite(`  ${found.checked} people looked at`);
    await pause();
    found = await api.get(`/v1/departures/verify/${id}`);
  }
  if (say.isTerminal) say.overwrite('');
  const { checked, broken } = found;
  tell(found, () => {
    out.line(
      `${checked} people have left. ${broken.length === 0 ? out.green('No promise is broken.') : out.red(`${broken.length} promises are broken:`)}`,
    );
    if (broken.length > 0)
      out.table(
        ['user', 'rule', 'transition', '#remaining'],
        broken.map(({ userId, rule, part, transition, remaining }) => [
          userId,
          part ? `${rule} (${part})` : rule,
          transition,
          remaining,
        ]),
      );
  });
  return broken.length === 0 ? EXIT.done : EXIT.failed;
}
