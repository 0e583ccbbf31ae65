/** @import { CatchUpState } from '#libs/contracts' */
import { asOperator } from '../broker-operator.mjs';
import { defineCommand } from '../command.mjs';
import { CommandError, EXIT } from '../exit-codes.mjs';
import { sinceOf } from '../since-option.mjs';
import { inSeconds, StallDetector } from '../time-limits.mjs';

/** Milliseconds. */
const POLL_INTERVAL = 1_000;

/** Brings a service up to date after its database was restored. Idempotent. */
export const catchUp = defineCommand({
  usage: 'catch-up <service> [--since <time>] [--watch]',
  about: 'bring a service with a restored database up to date; without --since, show the progress (operator)',
  args: 1,
  options: { since: { type: 'string' }, watch: { type: 'boolean' } },
  run: async ({ args: [service], values, limits, out, messages, report }) => {
    const since = values.since === undefined ? undefined : sinceOf(values.since);
    return asOperator(limits, async (ask) => {
      /** @type {CatchUpState} */
      let state = await ask('identity', 'catch-up', { service, ...(since && { since }) });
      const stall = new StallDetector(limits.progress);
      let stalled = false;
      while (values.watch && !isOver(state) && !stalled) {
        if (messages.isTerminal) messages.overwrite(`  ${describe(state)}`);
        await new Promise((wake) => setTimeout(wake, POLL_INTERVAL));
        state = await ask('identity', 'catch-up', { service });
        stalled = stall.isStalled(state);
      }
      if (values.watch && messages.isTerminal) messages.overwrite('');
      report(state, () => out.line(describe(state)));
      if (stalled)
        throw new CommandError(EXIT.timedOut, `${service} made no progress for ${inSeconds(limits.progress)}.`);
      return isOver(state) && state.failed > 0 ? EXIT.failed : EXIT.done;
    });
  },
});

/** @param {CatchUpState} state */
const isOver = ({ state, open }) => state === 'caught-up' && open === 0;

/** @param {CatchUpState} state */
function describe({ service, state, since, reopened, open, failed }) {
  const counts = `${reopened} departures reopened; running ${open}, failed ${failed}.`;
  if (state === 'waiting') return `${service} will catch up since ${since} when it starts, or within five minutes.`;
  return state === 'caught-up' ? `${service} has caught up: ${counts}` : `${service} is catching up: ${counts}`;
}
