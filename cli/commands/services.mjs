/** @import { KnownService } from '#libs/contracts' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { asOperator } from '../broker-operator.mjs';
import { defineCommand } from '../command.mjs';
import { confirm } from '../terminal/confirm.mjs';
import { CommandError, EXIT, usageError } from '../exit-codes.mjs';

/** Milliseconds. A running service declares its rules every five minutes. */
const SILENT_AFTER = 11 * 60_000;

const USAGE = 'services [retire|confirm <name> [--yes]]';
const VERBS = ['retire', 'confirm'];

/** Lists the services that have declared rules, retires one, or confirms that rules of one end. */
export const services = defineCommand({
  usage: USAGE,
  about:
    'list the services with rules and what waits for them; retire one that will not come back; confirm that the rules end ' +
    'which one does not declare any more (operator)',
  args: 'any',
  options: { yes: { type: 'boolean' } },
  run: async ({ args, values, limits, out, report }) => {
    const [verb, service, ...more] = args;
    if (more.length > 0 || (verb !== undefined && (!VERBS.includes(verb) || service === undefined)))
      throw usageError(`Usage: leaver ${USAGE}`);
    return asOperator(limits, async (ask) => {
      /** @type {KnownService[]} */
      const all = await ask('identity', 'services', {});
      if (service === undefined) {
        report(all, () => show(out, all));
        return EXIT.done;
      }
      const known = all.find((one) => one.service === service);
      if (!known) throw new CommandError(EXIT.failed, `No service ${service} has declared rules.`);
      if (verb === 'confirm') {
        const { dropped: rules = [] } = known;
        if (rules.length === 0) throw new CommandError(EXIT.failed, `Nothing of ${service} waits for a confirmation.`);
        if (!values.yes) await confirm(service, `${aboutDropped(known)} Type ${service} to confirm that they end: `);
        /** @type {KnownService} */
        const confirmed = await ask('identity', 'confirm-rules', { service, rules });
        report(confirmed, () => out.line(`Confirmed: departures do not wait for ${rules.join(', ')}.`));
        return EXIT.done;
      }
      if (!values.yes) await confirm(service, retirementOf(known));
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
const retirementOf = ({ service, open, heardAt }) =>
  `${service} was last heard ${heardAt ?? 'never'}, and ${open} open departures wait for it. What it has not applied ` +
  `stays as it is. Type ${service} to retire it: `;

/** @param {KnownService} service */
const aboutDropped = ({ service, dropped = [], droppedAt }) =>
  `${service} has not declared ${dropped.join(', ')} since ${droppedAt?.slice(0, 19)}.`;

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
  for (const one of services)
    if (one.dropped)
      out.line(`${aboutDropped(one)} Departures wait until you confirm it: leaver services confirm ${one.service}`);
}

/** @param {KnownService} service */
function stateOf({ service, retiredAt, joining, heardAt }) {
  if (retiredAt) return 'retired';
  if (joining) return 'joining';
  // Identity declares its own rules only when it starts.
  if (service === 'identity' || (heardAt && Date.now() - Date.parse(heardAt) < SILENT_AFTER)) return 'up';
  return 'silent';
}
