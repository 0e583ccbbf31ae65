/** @import { DeadLetter } from '#libs/contracts' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { askDataServices } from '../broker-operator.mjs';
import { defineCommand } from '../command.mjs';
import { EXIT } from '../exit-codes.mjs';

export const deadLetters = defineCommand({
  usage: 'dead-letters [--service <name>] [--data]',
  about: 'list messages and departures that services have given up on (operator)',
  args: 0,
  options: { service: { type: 'string' }, data: { type: 'boolean' } },
  run: async ({ values, limits, out, messages, report }) => {
    const request = { data: values.data === true };
    /** @type {Awaited<ReturnType<typeof askDataServices<DeadLetter[]>>>} */
    const { answers, failure } = await askDataServices(limits, values.service, 'dead-letters', request, messages);
    const letters = answers.flatMap(({ service, answer }) => answer.map((letter) => ({ service, ...letter })));
    report(letters, () => show(out, letters));
    return failure ?? EXIT.done;
  },
});

/**
 * @param {Terminal} out
 * @param {(DeadLetter & { service: string })[]} letters
 */
function show(out, letters) {
  if (letters.length === 0) return out.line(out.green('There are no dead letters.'));
  out.table(
    ['service', 'id', 'kind', 'since', 'reason', 'about'],
    letters.map(({ service, id, kind, since, reason, subject, type, userId }) => [
      service,
      id,
      kind,
      since.slice(0, 19),
      reason,
      kind === 'message' ? subject : `${type} ${userId}`,
    ]),
  );
}
