/** @import { Departure, Reassignment } from '#libs/contracts' */
/** @import { HttpClient } from '../http-client.mjs' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { showPreview } from '../departures/departure-views.mjs';
import { conclude } from '../departures/departures.mjs';
import { findUser, nameOf } from '../departures/users.mjs';
import { CommandError, EXIT, usageError } from '../exit-codes.mjs';
import { ask } from '../terminal/prompt.mjs';

export const reassign = defineCommand({
  usage: 'reassign <user> --rules <rule>,… --to <user> [--dry-run] [--watch] [--yes]',
  about: 'hand the rows of these rules over to another user; the user stays active',
  args: 1,
  options: {
    rules: { type: 'string' },
    to: { type: 'string' },
    'dry-run': { type: 'boolean' },
    watch: { type: 'boolean' },
    yes: { type: 'boolean' },
  },
  run: async (context) => {
    const { args, values, limits, out, messages, report } = context;
    const rules = [...new Set(values.rules?.split(',').map((rule) => rule.trim()))].filter(Boolean);
    if (rules.length === 0 || values.to === undefined) throw usageError('--rules and --to are needed.');
    const needsTerminal = !values['dry-run'] && !values.yes;
    if (needsTerminal && !process.stdin.isTTY)
      throw usageError('There is no terminal for the confirmation: use --yes, after --dry-run.');
    const api = await signedInClient(limits);
    const [user, receiver] = [await findUser(api, args[0]), await findUser(api, values.to)];
    const request = { rules, to: receiver.id };
    if (!values.yes || values['dry-run']) {
      const planned = await call(api, user.id, { ...request, dryRun: true });
      const { blockers = [], uncounted = [] } = planned;
      const plan = { rules: planned.rules ?? [], blockers, uncounted, warnings: [], contactsToTellTotal: 0 };
      const heading = `If ${nameOf(user)} hands over to ${nameOf(receiver)}`;
      if (values['dry-run']) {
        report(planned, () => showPreview(out, plan, heading));
        return planned.possible ? EXIT.done : EXIT.failed;
      }
      showPreview(messages, plan, heading);
      if (!planned.possible) throw new CommandError(EXIT.failed, 'To reassign is not possible now.');
      if ((await ask('Type reassign to continue: ')) !== 'reassign')
        throw new CommandError(EXIT.failed, 'Nothing has been changed.');
    }
    const { id } = await call(api, user.id, request);
    /** @type {Departure} */
    const departure = await api.get(`/v1/departures/${id}`);
    return conclude(api, context, departure);
  },
});

/**
 * @param {HttpClient} api
 * @param {string} userId
 * @param {object} request
 * @returns {Promise<Reassignment>}
 */
const call = (api, userId, request) => api.post(`/v1/users/${userId}/reassign`, request);
