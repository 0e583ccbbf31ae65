/** @import { KnownService } from '#libs/contracts' */
/** @import { Terminal } from '../terminal.mjs' */
import { asOperator } from '../broker-operator.mjs';
import { defineCommand } from '../command.mjs';
import { CommandError, EXIT, usageError } from '../exit-codes.mjs';
import { ask as prompt } from '../prompt.mjs';

/** Milliseconds. A running service declares its rules every five minutes. */
const SILENT_AFTER = 11 * 60_000;

/** Lists the services that have declared rules, or retires one that will not come back. */
export const services = defineCommand({
  usage: 'services [retire <name> [--yes]]',
  about: 'list the services with rules and what waits for them, or retire one that will not come back (operator)',
  args: 'any',
  options: { yes: { type: 'boolean' } },
  run: async ({ args, values, limits, out, report }) => {
    const [verb, service, ...more] = args;
    if (more.length > 0 || (verb !== undefined && (verb !== 'retire' || service === undefined)))
      throw usageError('Usage: leaver services [retire <name> [--yes]]');
    return asOperator(limits, async (ask) => {
      /** @type {KnownService[]} */
      const all = await ask('identity', 'services', {});
      if (service === undefined) {
        report(all, () => show(out, all));
        return EXIT.done;
      }
      const known = all.find((one) => one.service === service);
      if (!known) throw new CommandError(EXIT.failed, `No service ${service} has declared rules.`);
      if (!values.yes) await confirm(known);
      /** @type {KnownService} */
      const retired = await ask('identity', 'retire-service', { service });
      report(retired, () =>
        out.line(`${service} is retired. ${known.open} open departures do not wait for it any more.`),
      );
      return EXIT.done;
    });
  },
});

/** @param {KnownService} service */
async function confirm({ service, open, heardAt }) {
  if (!process.stdin.isTTY) throw usageError('There is no terminal for the confirmation: use --yes.');
  const question =
    `${service} was last heard ${heardAt ?? 'never'}, and ${open} open departures wait for it. What it has not applied ` +
    `stays as it is. Type ${service} to retire it: `;
  if ((await prompt(question)) !== service) throw new CommandError(EXIT.failed, 'Nothing has been changed.');
}

/**
 * @param {Terminal} out
 * @param {KnownService[]} services
 */
function show(out, services) {
  out.table(
    ['service', '#rules', 'state', 'last heard', '#open', 'oldest since'],
    services.map((one) => [
      one.service,
      one.rules,
      stateOf(one),
      one.heardAt?.slice(0, 19) ?? '–',
      one.open,
      one.oldestSince?.slice(0, 19),
    ]),
  );
}

/** @param {KnownService} service */
function stateOf({ service, retiredAt, joining, heardAt }) {
  if (retiredAt) return 'retired';
  if (joining) return 'joining';
  // Identity declares its own rules only when it starts.
  if (service === 'identity' || (heardAt && Date.now() - Date.parse(heardAt) < SILENT_AFTER)) return 'up';
  return 'silent';
}
