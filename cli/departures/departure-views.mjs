/** @import { ActionInput, Approval, ChoicesPreview, ContactsTold, Departure, DepartureRule, PreviewRule, TellContacts } from '#libs/contracts' */
/** @import { Terminal } from '../terminal/terminal.mjs' */

import { ruleName } from './rule-name.mjs';
import { unfinished } from './unfinished-services.mjs';

/** @param {Pick<PreviewRule | DepartureRule, 'action' | 'days' | 'scope'>} line */
const actionName = ({ action, days, scope }) =>
  [action, days !== undefined && `${days} days`, scope && `(${scope})`].filter(Boolean).join(' ');

/** @param {PreviewRule} line */
const plannedAction = (line) =>
  line.differsFromPolicy && line.policyAction !== undefined
    ? `${actionName(line)} (policy: ${actionName(choiceIn(line.policyAction))})`
    : actionName(line);

/** @param {ActionInput} input */
const choiceIn = (input) => (typeof input === 'string' ? { action: input } : input);

/**
 * Shows what a departure would change, how many rows it would keep, and its warnings and blockers.
 * @param {Terminal} terminal
 * @param {Pick<ChoicesPreview, 'rules' | 'blockers' | 'warnings' | 'contactsToTellTotal' | 'uncounted' | 'erasesAt'>} preview
 * @param {string} heading
 */
export function showPreview(terminal, preview, heading) {
  const { rules, blockers, warnings, contactsToTellTotal, uncounted, erasesAt } = preview;
  const changing = rules.filter(({ action, count }) => action !== 'keep' && count > 0);
  const kept = rules.filter(({ action }) => action === 'keep').reduce((sum, { count }) => sum + count, 0);
  terminal.line(terminal.bold(heading));
  if (changing.length > 0)
    terminal.table(
      ['rule', 'what', 'action', '#count'],
      changing.map((line) => [ruleName(line), line.label, plannedAction(line), line.count]),
    );
  terminal.line(`  ${changing.length === 0 ? 'Nothing changes; ' : ''}${kept} rows are kept as they are.`);
  for (const line of rules.filter(({ notRestored = 0 }) => notRestored > 0))
    terminal.line(
      terminal.yellow(`  ! ${ruleName(line)}: ${line.detail ?? `${line.notRestored} rows do not come back.`}`),
    );
  if (erasesAt) terminal.line(terminal.yellow(`  ! By the policy the user is deleted on ${erasesAt.slice(0, 10)}.`));
  for (const { rule, detail } of warnings) terminal.line(terminal.yellow(`  ! ${rule}: ${detail}`));
  if (contactsToTellTotal > 0)
    terminal.line(terminal.yellow(`  ! ${contactsToTellTotal} contacts exchanged messages with this user lately.`));
  for (const { service, reason } of uncounted)
    terminal.line(
      terminal.yellow(`  ! ${service} could not count its rows: ${reason} The departure stays open until it is back.`),
    );
  for (const { code, detail } of blockers) terminal.line(terminal.red(`  ✗ ${detail} (${code})`));
}

/** @param {Approval} approval */
export const describeApproval = ({ neededFor, expiresAt }) =>
  `needed for ${neededFor.join(' and ')}, until ${expiresAt}`;

/**
 * Shows what a departure has done so far.
 * @param {Terminal} terminal
 * @param {Departure} departure
 */
export function showDeparture(terminal, departure) {
  const {
    id,
    transition,
    status,
    progress,
    services,
    error,
    errorDetail,
    effectiveAt,
    approval,
    erasesFrom,
    tellContacts,
    contactsTold,
    calledOff = [],
  } = departure;
  terminal.line(`${terminal.bold(`${transition}: ${colourStatus(terminal, status)}`)}  ${terminal.dim(id)}`);
  if (status === 'scheduled') terminal.line(`  for ${effectiveAt}${erasesFrom ? ', by the policy' : ''}`);
  if (status === 'awaiting-approval' && approval)
    terminal.line(`  waits for another manager, ${describeApproval(approval)}: leaver approve ${id}`);
  for (const one of calledOff)
    terminal.line(terminal.yellow(`  ! called off: ${one.transition} for ${one.effectiveAt}  ${one.id}`));
  if (error) terminal.line(terminal.red(`  ✗ ${errorDetail ?? approval?.reason ?? ''} (${error})`));
  if (progress.total > 0) terminal.line(`  ${terminal.bar(progress.done, progress.total)} services`);
  const lines = services
    .flatMap(({ rules }) => rules)
    .filter(({ action, affected }) => action !== 'keep' && affected > 0);
  if (tellContacts) terminal.line(`  tells contacts: ${tellingOf(tellContacts)}`);
  if (contactsTold) terminal.line(`  contacts told: ${countsOf(contactsTold)}`);
  if (lines.length > 0)
    terminal.table(
      ['rule', 'action', '#affected', '#remaining', 'due', 'receivers'],
      lines.map((line) => [
        ruleName(line),
        actionName(line),
        line.affected,
        line.remaining ?? '…',
        line.dueAt?.slice(0, 10),
        receiversIn(line),
      ]),
    );
  for (const { service, hasFailed, reason } of unfinished(departure))
    terminal.line(hasFailed ? terminal.red(`  ✗ ${service}: ${reason}`) : terminal.yellow(`  … ${service}: ${reason}`));
}

/** @param {TellContacts} telling */
export const tellingOf = ({ text, alternativeNumber }) => [text, alternativeNumber].filter(Boolean).join(' ');

/** @param {ContactsTold} counts */
const countsOf = ({ total, sent, failed, cancelled }) =>
  [`${sent} of ${total}`, failed > 0 && `${failed} failed`, cancelled > 0 && `${cancelled} called off`]
    .filter(Boolean)
    .join(', ');

/**
 * The receivers with the rows of each, or the only one.
 * @param {DepartureRule} line
 */
function receiversIn({ transferredTo = [] }) {
  if (typeof transferredTo === 'string') return transferredTo;
  return transferredTo.map(({ userId, affected }) => `${userId} ${affected}`).join(', ');
}

/**
 * @param {Terminal} terminal
 * @param {string} status
 */
export function colourStatus(terminal, status) {
  if (status === 'completed') return terminal.green(status);
  return ['failed', 'refused', 'superseded', 'cancelled'].includes(status)
    ? terminal.red(status)
    : terminal.yellow(status);
}
