/** @import { DepartureSummary, Page } from '#libs/contracts' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { colourStatus } from '../departures/departure-views.mjs';
import { findUser } from '../departures/users.mjs';
import { EXIT } from '../exit-codes.mjs';
import { fetchList, listOptions } from '../lists.mjs';

export const departures = defineCommand({
  usage:
    'departures [--user <user>] [--q <text>] [--transition <transition>] [--status <status>] [--service <service>] ' +
    '[--service-status <status>] [--failed-rule <rule>] [--requested-by <user>] [--from <time>] [--to <time>] ' +
    '[--sort [-]requestedAt|effectiveAt] [--limit <n>]',
  about: 'list departures, newest first unless sorted',
  args: 0,
  options: {
    ...listOptions,
    user: { type: 'string' },
    q: { type: 'string' },
    transition: { type: 'string' },
    status: { type: 'string' },
    service: { type: 'string' },
    'service-status': { type: 'string' },
    'failed-rule': { type: 'string' },
    'requested-by': { type: 'string' },
    from: { type: 'string' },
    to: { type: 'string' },
  },
  run: async ({ values, limits, out, report }) => {
    const api = await signedInClient(limits);
    /** @param {string | undefined} word */
    const idOf = async (word) => (word === undefined ? undefined : (await findUser(api, word)).id);
    const { q, transition, status, service, from, to } = values;
    const filters = {
      ...{ q, transition, status, service, from, to },
      userId: await idOf(values.user),
      requestedBy: await idOf(values['requested-by']),
      serviceStatus: values['service-status'],
      failedRule: values['failed-rule'],
    };
    /** @type {Page<DepartureSummary>} */
    const list = await fetchList(api, '/v1/departures', filters, values);
    report(list, () => show(out, list.items));
    return EXIT.done;
  },
});

/**
 * @param {Terminal} out
 * @param {DepartureSummary[]} items
 */
function show(out, items) {
  out.table(
    ['departure', 'user', 'transition', 'status', 'day', 'services', 'failed'],
    items.map(({ id, userId, transition, status, effectiveAt, progress, services }) => [
      id,
      userId,
      transition,
      colourStatus(out, status),
      effectiveAt.slice(0, 10),
      `${progress.done}/${progress.total}`,
      services.flatMap((one) => (one.status === 'failed' ? [one.service] : [])).join(', '),
    ]),
  );
}
