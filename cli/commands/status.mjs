/** @import { Departure } from '#libs/contracts' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { conclude } from '../departures/departures.mjs';
import { rowsOfDeparture, showRows } from '../departures/rows-behind-counts.mjs';
import { EXIT } from '../exit-codes.mjs';

export const status = defineCommand({
  usage: 'status <departure> [--watch] [--rows <rule>]',
  about: 'show the progress of a departure, or the rows that one of its rules has affected and who has them now',
  args: 1,
  options: { watch: { type: 'boolean' }, rows: { type: 'string' } },
  run: async (context) => {
    const api = await signedInClient(context.limits);
    /** @type {Departure} */
    const departure = await api.get(`/v1/departures/${encodeURIComponent(context.args[0])}`);
    const { rows } = context.values;
    if (rows !== undefined) {
      const lines = await rowsOfDeparture(api, departure, rows);
      context.report({ lines }, () => showRows(context.out, lines));
      return EXIT.done;
    }
    return conclude(api, context, departure);
  },
});
