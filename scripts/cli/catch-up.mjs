import { EXIT, usageFault } from './ending.mjs';
import { asOperator } from './operator.mjs';

const LOOK_EVERY = 1_000;
const pause = () => new Promise((wake) => setTimeout(wake, LOOK_EVERY));

/** Brings a service up to date whose database is an older one again. Twice is once. */
export async function catchUp({ args: [service], values, out, say, tell }) {
  const since = values.since === undefined ? undefined : momentIn(values.since);
  return asOperator(async (ask) => {
    let state = await ask('identity', 'catch-up', { service, ...(since && { since }) });
    while (values.watch && !isOver(state)) {
      if (say.isTerminal) say.overwrite(`  ${describe(state)}`);
      await pause();
      state = await ask('identity', 'catch-up', { service });
    }
    if (values.watch && say.isTerminal) say.overwrite('');
    tell(state, () => out.line(describe(state)));
    return isOver(state) && state.failed > 0 ? EXIT.failed : EXIT.done;
  });
}

const isOver = ({ state, open }) => state === 'caught-up' && open === 0;

function momentIn(text) {
  const moment = new Date(text);
  if (Number.isNaN(moment.getTime())) throw usageFault('--since is a time like 2030-01-31T12:00:00Z.');
  return moment.toISOString();
}

function describe({ service, state, since, reopened, open, failed }) {
  const counts = `${reopened} departures opened again; under way ${open}, failed ${failed}.`;
  if (state === 'waiting') return `${service} will catch up since ${since} when it starts, or within five minutes.`;
  return state === 'caught-up' ? `${service} has caught up: ${counts}` : `${service} is catching up: ${counts}`;
}
