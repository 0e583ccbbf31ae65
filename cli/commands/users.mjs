/** @import { ListedUser, UserPage } from '#libs/contracts' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { EXIT } from '../exit-codes.mjs';
import { fetchList, listOptions } from '../lists.mjs';

export const users = defineCommand({
  usage:
    'users [--q <text>] [--status active|deactivated|deleted|all] [--role <role>] [--suspended] [--leaving-within <n>d] ' +
    '[--left] [--holds] [--sort [-]name|status|day] [--limit <n>]',
  about: 'list users: those who are suspended, leave soon, or have left and still hold rows',
  args: 0,
  options: {
    ...listOptions,
    q: { type: 'string' },
    status: { type: 'string' },
    role: { type: 'string' },
    suspended: { type: 'boolean' },
    'leaving-within': { type: 'string' },
    left: { type: 'boolean' },
    holds: { type: 'boolean' },
  },
  run: async ({ values, limits, out, messages, report }) => {
    const api = await signedInClient(limits);
    const { q, status, role, suspended, left, holds } = values;
    const filters = { q, status, role, suspended, leavingWithin: values['leaving-within'], left: left || holds, holds };
    /** @type {UserPage} */
    const list = await fetchList(api, '/v1/users', filters, values);
    report(list, () => show(out, list.items));
    for (const { service, reason } of list.uncounted ?? [])
      messages.line(messages.yellow(`${service} did not count: ${reason} Users who hold rows only there are missing.`));
    return EXIT.done;
  },
});

/**
 * @param {Terminal} out
 * @param {ListedUser[]} items
 */
function show(out, items) {
  out.table(
    ['name', 'email', 'staff id', 'status', 'day', '#rows'],
    items.map(({ name, email, staffId, status, suspendedAt, deactivatedAt, deletedAt, leaving, holding }) => [
      name,
      email,
      staffId,
      suspendedAt ? `${status}, suspended` : status,
      (leaving?.effectiveAt ?? deletedAt ?? deactivatedAt)?.slice(0, 10),
      holding?.rows,
    ]),
  );
}
