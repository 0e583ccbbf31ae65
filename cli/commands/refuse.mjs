/** @import { BulkDeparture, Departure } from '#libs/contracts' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { findWaiting } from '../departures/approving.mjs';
import { EXIT, usageError } from '../exit-codes.mjs';

export const refuse = defineCommand({
  usage: 'refuse <departure>|<list> --reason <text>',
  about: 'refuse what another manager has requested, or withdraw a list of your own',
  args: 1,
  options: { reason: { type: 'string' } },
  run: async ({ args, values, limits, out, report }) => {
    if (!values.reason) throw usageError('--reason says why, for the manager who has requested it.');
    const api = await signedInClient(limits);
    const { path } = await findWaiting(api, args[0]);
    /** @type {Departure | BulkDeparture} */
    const refused = await api.post(`${path}/refuse`, { reason: values.reason });
    report(refused, () => out.line(`Refused: ${refused.id}`));
    return EXIT.done;
  },
});
