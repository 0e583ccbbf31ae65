import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { showPreview } from '../departures/departure-views.mjs';
import { fetchPreview, previewedTransitionIn } from '../departures/departures.mjs';
import { rowsOfPreview, showRows } from '../departures/rows-behind-counts.mjs';
import { EXIT } from '../exit-codes.mjs';
import { findUser, nameOf } from '../departures/users.mjs';

export const preview = defineCommand({
  usage: 'preview <user> [--transition deactivated|deleted|transferred] [--rows <rule>]',
  about:
    'show what would happen if this user left, or if another person took the user over; the rows that a rule counts',
  args: 1,
  options: { transition: { type: 'string' }, rows: { type: 'string' } },
  run: async ({ args, values, limits, out, report }) => {
    const api = await signedInClient(limits);
    const transition = previewedTransitionIn(values.transition ?? 'deactivated');
    const user = await findUser(api, args[0]);
    const found = await fetchPreview(api, user, transition);
    if (values.rows !== undefined) {
      const lines = await rowsOfPreview(api, found, values.rows);
      report({ lines }, () => showRows(out, lines));
      return EXIT.done;
    }
    report(found, () => showPreview(out, found, `If ${nameOf(user)} is ${transition}`));
    return found.possible ? EXIT.done : EXIT.failed;
  },
});
