import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { decide, decideConfirmed, decidePlanned, planOf } from '../departures/confirmed-plan.mjs';
import { showPreview } from '../departures/departure-views.mjs';
import { conclude } from '../departures/departures.mjs';
import { findUser, nameOf } from '../departures/users.mjs';

/** It destroys nothing, so without a terminal it needs no confirmation. */
export const reactivate = defineCommand({
  usage: 'reactivate <user> [--restore all|<rule>,…] [--watch] [--yes] [--plan-token <token>]',
  about: 'reactivate a deactivated user',
  args: 1,
  options: {
    restore: { type: 'string' },
    watch: { type: 'boolean' },
    yes: { type: 'boolean' },
    'plan-token': { type: 'string' },
  },
  run: async (context) => {
    const { args, values, limits, messages } = context;
    const api = await signedInClient(limits);
    const user = await findUser(api, args[0]);
    const request = { restore: restorationIn(values.restore), planToken: values['plan-token'] };
    const decision = { user, transition: /** @type {const} */ ('reactivated'), request };
    if (values.yes || request.planToken !== undefined) return conclude(api, context, await decide(api, decision));
    if (process.stdin.isTTY) return conclude(api, context, await decideConfirmed(api, messages, decision));
    const preview = await planOf(api, decision);
    showPreview(messages, preview, `If ${nameOf(user)} is reactivated`);
    return conclude(api, context, await decidePlanned(api, decision, preview));
  },
});

/** @param {string | undefined} value */
const restorationIn = (value) =>
  value === undefined || value === 'all' || value === 'none' ? value : value.split(',');
