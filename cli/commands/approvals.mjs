/** @import { DepartureSummary, Page } from '#libs/contracts' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { EXIT } from '../exit-codes.mjs';
import { fetchList, listOptions } from '../lists.mjs';

export const approvals = defineCommand({
  usage: 'approvals [--limit <n>]',
  about: 'list the departures that wait for another manager, newest first',
  args: 0,
  options: { limit: listOptions.limit },
  run: async ({ values, limits, out, report }) => {
    const api = await signedInClient(limits);
    /** @type {Page<DepartureSummary>} */
    const list = await fetchList(api, '/v1/departures', { status: 'awaiting-approval' }, values);
    report(list, () =>
      out.table(
        ['departure', 'user', 'transition', 'needed for', 'requested by', 'expires'],
        list.items.map(({ id, userId, transition, approval }) => [
          id,
          userId,
          transition,
          approval?.neededFor.join(', '),
          approval?.requestedBy ?? 'identity provider',
          approval?.expiresAt.slice(0, 10),
        ]),
      ),
    );
    return EXIT.done;
  },
});
