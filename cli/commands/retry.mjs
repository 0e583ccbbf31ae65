/** @import { Departure } from '#libs/contracts' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { conclude } from '../departures/departures.mjs';
import { unfinished } from '../departures/unfinished-services.mjs';

export const retry = defineCommand({
  usage: 'retry <departure> [--watch]',
  about: 'have the services that have not finished a departure try again at once',
  args: 1,
  options: { watch: { type: 'boolean' } },
  run: async (context) => {
    const api = await signedInClient(context.limits);
    /** @type {Departure} */
    const departure = await api.post(`/v1/departures/${encodeURIComponent(context.args[0])}/retry`);
    const names = unfinished(departure).map(({ service }) => service);
    context.messages.line(
      names.length > 0
        ? `These services try again now: ${names.join(', ')}.`
        : 'All services prove again that no rows remain.',
    );
    return conclude(api, context, departure);
  },
});
