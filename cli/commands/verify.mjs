/** @import { StartedVerification, User, Verification } from '#libs/contracts' */
/** @import { HttpClient } from '../http-client.mjs' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { ruleName } from '../departures/rule-name.mjs';
import { CommandError, describeError, EXIT } from '../exit-codes.mjs';
import { HttpError, NoAnswerError } from '../http-client.mjs';
import { inSeconds, StallDetector } from '../time-limits.mjs';

/** Milliseconds. */
const POLL_INTERVAL = 500;

export const verify = defineCommand({
  usage: 'verify',
  about: 'verify for all users who have left that the rules have been applied',
  args: 0,
  run: async ({ limits, out, messages, report }) => {
    const api = await signedInClient(limits);
    /** @type {StartedVerification} */
    const { id } = await api.post('/v1/departures/verify');
    /** @type {() => Promise<Verification>} */
    const read = () => api.get(`/v1/departures/verify/${id}`);
    const stall = new StallDetector(limits.progress);
    let latest = await read();
    while (latest.status === 'running' && !stall.isStalled(latest.checked)) {
      if (messages.isTerminal) messages.overwrite(`  ${latest.checked} users checked`);
      await new Promise((wake) => setTimeout(wake, POLL_INTERVAL));
      latest = await read();
    }
    if (messages.isTerminal) messages.overwrite('');
    report(latest, () => show(out, latest));
    if (latest.status === 'running')
      throw new CommandError(
        EXIT.timedOut,
        `The verification made no progress for ${inSeconds(limits.progress)}. ${await silentService(api)}`,
      );
    return latest.broken.length === 0 ? EXIT.done : EXIT.failed;
  },
});

/**
 * A sentence that names a service that does not answer. The verification does not say which service it waits for, but the
 * overview of the signed-in user asks the same services.
 * @param {HttpClient} api
 */
async function silentService(api) {
  /** @type {User} */
  const me = await api.get('/v1/me');
  try {
    await api.get(`/v1/users/${me.id}/overview`);
  } catch (error) {
    if (error instanceof HttpError || error instanceof NoAnswerError) return describeError(error).message;
    throw error;
  }
  return 'All services answer now.';
}

/**
 * @param {Terminal} out
 * @param {Verification} verification
 */
function show(out, { checked, broken, status }) {
  if (status === 'running' && broken.length === 0) return out.line(`${checked} users have been checked so far.`);
  if (broken.length === 0) return out.line(`${checked} users have left. ${out.green('No promise is broken.')}`);
  out.line(`${checked} users have left. ${out.red(`${broken.length} promises are broken:`)}`);
  out.table(
    ['user', 'rule', 'transition', '#remaining'],
    broken.map((line) => [line.userId, ruleName(line), line.transition, line.remaining]),
  );
}
