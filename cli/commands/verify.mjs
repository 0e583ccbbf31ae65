/** @import { StartedVerification, Verification } from '#libs/contracts' */
/** @import { Terminal } from '../terminal.mjs' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { ruleName } from '../departure-views.mjs';
import { EXIT } from '../exit-codes.mjs';

/** Milliseconds. */
const POLL_INTERVAL = 500;

export const verify = defineCommand({
  usage: 'verify',
  about: 'count again, over all users who have left, what still breaks a promise',
  args: 0,
  run: async ({ out, messages, report }) => {
    const api = await signedInClient();
    /** @type {StartedVerification} */
    const { id } = await api.post('/v1/departures/verify');
    /** @type {() => Promise<Verification>} */
    const read = () => api.get(`/v1/departures/verify/${id}`);
    let latest = await read();
    while (latest.status === 'running') {
      if (messages.isTerminal) messages.overwrite(`  ${latest.checked} users checked`);
      await new Promise((wake) => setTimeout(wake, POLL_INTERVAL));
      latest = await read();
    }
    if (messages.isTerminal) messages.overwrite('');
    report(latest, () => show(out, latest));
    return latest.broken.length === 0 ? EXIT.done : EXIT.failed;
  },
});

/**
 * @param {Terminal} out
 * @param {Verification} verification
 */
function show(out, { checked, broken }) {
  if (broken.length === 0) return out.line(`${checked} users have left. ${out.green('No promise is broken.')}`);
  out.line(`${checked} users have left. ${out.red(`${broken.length} promises are broken:`)}`);
  out.table(
    ['user', 'rule', 'transition', '#remaining'],
    broken.map((line) => [line.userId, ruleName(line), line.transition, line.remaining]),
  );
}
