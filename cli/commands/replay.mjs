/** @import { ReplayAnswer } from '#libs/contracts' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { askDataServices } from '../broker-operator.mjs';
import { defineCommand } from '../command.mjs';
import { EXIT, usageError } from '../exit-codes.mjs';

/**
 * The results of the replay. No service has the dead letters that are `unknown`.
 * @typedef {object} Result
 * @property {{ service: string, id: string }[]} replayed
 * @property {{ service: string, id: string }[]} [waiting] departures that were not given up on; their next try is due now
 * @property {{ service: string, id: string, reason: string }[]} refused
 * @property {string[]} unknown
 */

/** Makes services retry dead letters. Replaying one twice applies it once. */
export const replay = defineCommand({
  usage: 'replay <id>…|--all [--service <name>]',
  about: 'retry dead letters; by its id also a departure that waits for its next try (operator)',
  args: 'any',
  options: { service: { type: 'string' }, all: { type: 'boolean' } },
  run: async ({ args, values, limits, out, messages, report }) => {
    if ((args.length === 0) === (values.all !== true))
      throw usageError('Name the ids of the dead letters or departures, or use --all.');
    const request = { ids: values.all ? 'all' : args };
    /** @type {Awaited<ReturnType<typeof askDataServices<ReplayAnswer>>>} */
    const { answers, failure } = await askDataServices(limits, values.service, 'replay', request, messages);
    const replayed = answers.flatMap(({ service, answer }) => answer.replayed.map((id) => ({ service, id })));
    const waiting = answers.flatMap(({ service, answer }) => (answer.waiting ?? []).map((id) => ({ service, id })));
    const refused = answers.flatMap(({ service, answer }) => answer.refused.map((one) => ({ service, ...one })));
    const known = new Set([...replayed, ...waiting, ...refused].map(({ id }) => id));
    const result = {
      replayed,
      ...(waiting.length > 0 && { waiting }),
      refused,
      unknown: args.filter((id) => !known.has(id)),
    };
    report(result, () => show(out, result));
    if (failure !== undefined) return failure;
    return refused.length + result.unknown.length === 0 ? EXIT.done : EXIT.failed;
  },
});

/**
 * @param {Terminal} out
 * @param {Result} result
 */
function show(out, { replayed, waiting = [], refused, unknown }) {
  out.line(`${replayed.length} replayed. Those that fail again become dead letters again.`);
  if (waiting.length > 0) out.line(`${waiting.length} were waiting for their next try, which is due now.`);
  if (replayed.length + waiting.length > 0)
    out.table(
      ['service', 'id', 'done'],
      [
        ...replayed.map(({ service, id }) => [service, id, 'replayed']),
        ...waiting.map(({ service, id }) => [service, id, 'is tried now']),
      ],
    );
  if (refused.length > 0)
    out.table(
      ['service', 'id', 'reason'],
      refused.map(({ service, id, reason }) => [service, id, reason]),
    );
  for (const id of unknown) out.line(out.red(`  ✗ no service has given up on ${id} or waits to try it again`));
}
