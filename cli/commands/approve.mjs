/** @import { BulkDeparture, Departure } from '#libs/contracts' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { approveConfirmed, confirmApproval, findWaiting } from '../departures/approving.mjs';
import { describeApproval, showDeparture, tellingOf } from '../departures/departure-views.mjs';
import { EXIT, usageError } from '../exit-codes.mjs';

export const approve = defineCommand({
  usage: 'approve <departure>|<list> [--yes] [--plan-token <token>]',
  about:
    'show the plan of what another manager has requested, and carry it out; --yes if it is still what was requested',
  args: 1,
  options: { yes: { type: 'boolean' }, 'plan-token': { type: 'string' } },
  run: async ({ args, values, limits, out, messages, report }) => {
    const api = await signedInClient(limits);
    const waiting = await findWaiting(api, args[0]);
    const planToken = values['plan-token'];
    const isConfirmed = values.yes || planToken !== undefined;
    if (!isConfirmed && !process.stdin.isTTY)
      throw usageError('There is no terminal for the confirmation: use --yes or --plan-token.');
    if ('departure' in waiting) {
      /** @type {Departure} */
      const departure = isConfirmed
        ? await api.post(`${waiting.path}/approve`, { planToken })
        : await approveConfirmed(api, messages, waiting);
      report(departure, () => showDeparture(out, departure));
      return EXIT.done;
    }
    const { counts, transition, approval, tellContacts } = waiting.list;
    if (!isConfirmed) {
      messages.line(
        messages.bold(`${counts.total} users are ${transition}${approval ? `, ${describeApproval(approval)}` : ''}`),
      );
      if (tellContacts) messages.line(`  tells contacts: ${tellingOf(tellContacts)}`);
      await confirmApproval();
    }
    /** @type {BulkDeparture} */
    const list = await api.post(`${waiting.path}/approve`, { planToken });
    report(list, () => out.line(`${counts.total} users are being ${transition}  ${out.dim(list.id)}`));
    return EXIT.done;
  },
});
