/** @import { ContactToCall, HandoverCheck, HandoverReport } from '#libs/contracts' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { defineCommand } from '../command.mjs';
import { signedInClient } from '../credentials.mjs';
import { colourStatus } from '../departures/departure-views.mjs';
import { ruleName } from '../departures/rule-name.mjs';
import { findUser } from '../departures/users.mjs';
import { EXIT } from '../exit-codes.mjs';
import { queryOf } from '../lists.mjs';
import { printFile } from '../terminal/print-file.mjs';

export const handover = defineCommand({
  usage: 'handover <departure> [--receiver <user>] [--csv]',
  about:
    'show what each receiver has got from a leaver, what needs a look and which contacts to call; --csv writes a file to ' +
    'standard output',
  args: 1,
  options: { receiver: { type: 'string' }, csv: { type: 'boolean' } },
  run: async ({ args, values, limits, out, report }) => {
    const api = await signedInClient(limits);
    const receiverId = values.receiver && (await findUser(api, values.receiver)).id;
    const query = queryOf({ format: values.csv ? 'csv' : undefined, receiverId });
    const path = `/v1/departures/${encodeURIComponent(args[0])}/handover?${query}`;
    if (values.csv) {
      await printFile(api, path);
      return EXIT.done;
    }
    /** @type {HandoverReport} */
    const handedOver = await api.get(path);
    report(handedOver, () => show(out, handedOver));
    return EXIT.done;
  },
});

/**
 * @param {Terminal} out
 * @param {HandoverReport} report
 */
function show(out, { user, transition, status, parts, checks = [], contacts = [] }) {
  out.line(`${out.bold(`Handover: ${user.name}`)}, ${transition}: ${colourStatus(out, status)}`);
  if (parts.length === 0) out.line('  Nobody has received anything.');
  for (const part of parts) {
    out.line();
    out.line(out.bold(part.receiver.name));
    if (part.received.length > 0)
      out.table(
        ['rule', 'what', '#rows'],
        part.received.map((line) => [ruleName(line), line.label, line.affected]),
      );
    showRest(out, part.checks, part.contacts);
  }
  if (checks.length + contacts.length === 0) return;
  out.line();
  out.line(out.bold('For managers'));
  showRest(out, checks, contacts);
}

/**
 * @param {Terminal} out
 * @param {HandoverCheck[]} checks
 * @param {ContactToCall[]} contacts
 */
function showRest(out, checks, contacts) {
  for (const check of checks) out.line(out.yellow(`  ! ${describe(check)}`));
  if (contacts.length > 0)
    out.table(
      ['contact to call', 'phone', 'last message'],
      contacts.map(({ name, phone, lastMessageAt }) => [name, phone, lastMessageAt?.slice(0, 10)]),
    );
}

/** @param {HandoverCheck} check */
const describe = ({ kind, service, rule, part, code, affected, dueAt }) =>
  [
    `${rule === undefined ? service : ruleName({ rule, part })}: ${kind}`,
    code && `(${code})`,
    affected !== undefined && `${affected} rows`,
    dueAt && `due on ${dueAt.slice(0, 10)}`,
  ]
    .filter(Boolean)
    .join(' ');
