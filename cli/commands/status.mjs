/** @import { Departure } from '#libs/contracts' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { conclude } from '../departures/departures.mjs';

export const status = defineCommand({
  usage: 'status <departure> [--watch]',
  about: 'show the progress of a departure',
  args: 1,
  options: { watch: { type: 'boolean' } },
  run: async (context) => {
    const api = await signedInClient(context.limits);
    /** @type {Departure} */
    const departure = await api.get(`/v1/departures/${encodeURIComponent(context.args[0])}`);
    return conclude(api, context, departure);
  },
});
