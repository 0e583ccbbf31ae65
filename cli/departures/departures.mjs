/** @import { Departure, DeparturePreview, DepartureStatus, LeavingTransition, Transition, User } from '#libs/contracts' */
/** @import { CommandContext } from '../command.mjs' */
/** @import { HttpClient } from '../http-client.mjs' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
/** @import { TimeLimits } from '../time-limits.mjs' */
/** @import { DepartureStep } from './watch-departure.mjs' */
import { signedInClient } from '../credentials.mjs';
import { decide, decideConfirmed } from './confirmed-plan.mjs';
import { showDeparture } from './departure-views.mjs';
import { ruleName } from './rule-name.mjs';
import { describeFailure, unfinished } from './unfinished-services.mjs';
import { CommandError, EXIT, usageError } from '../exit-codes.mjs';
import { inSeconds } from '../time-limits.mjs';
import { findUser, overridesIn, successorsIn } from './users.mjs';
import { watchDeparture } from './watch-departure.mjs';

/** @type {readonly DepartureStatus[]} */
const UNSUCCESSFUL = ['failed', 'superseded', 'cancelled'];
/** Milliseconds without a step after which the unfinished services are named with their reasons. */
const EXPLAIN_AFTER = 2_000;
/** Up to this many unfinished services are named in the progress. */
const FEW = 3;

/** The options that both `deactivate` and `delete` take. */
export const departureOptions = /** @type {const} */ ({
  successor: { type: 'string', multiple: true },
  override: { type: 'string', multiple: true },
  reason: { type: 'string' },
  at: { type: 'string' },
  tell: { type: 'string' },
  'alternative-number': { type: 'string' },
  'plan-token': { type: 'string' },
  'accept-uncounted': { type: 'boolean' },
  watch: { type: 'boolean' },
  yes: { type: 'boolean' },
});

/**
 * The value of --transition for a preview.
 * @param {string} value
 * @returns {Transition}
 */
export const previewedTransitionIn = (value) => (value === 'transferred' ? value : transitionIn(value));

/**
 * The value of --transition.
 * @param {string | undefined} value
 * @returns {LeavingTransition}
 */
export function transitionIn(value) {
  if (value !== 'deactivated' && value !== 'deleted') throw usageError('--transition is deactivated or deleted.');
  return value;
}

/**
 * What the contacts are told, by --tell and --alternative-number.
 * @param {{ tell?: string, 'alternative-number'?: string }} values
 */
export function tellingIn({ tell: text, 'alternative-number': alternativeNumber }) {
  if (text !== undefined) return { text, alternativeNumber };
  if (alternativeNumber !== undefined)
    throw usageError('--alternative-number needs --tell with the text to the contacts.');
  return undefined;
}

/**
 * @param {HttpClient} api
 * @param {User} user
 * @param {Transition} transition
 * @returns {Promise<DeparturePreview>}
 */
export const fetchPreview = (api, { id }, transition) =>
  api.get(`/v1/users/${id}/departure-preview?transition=${transition}`);

/**
 * Deactivates or deletes a user.
 * @param {CommandContext<typeof departureOptions, 1> & { values: { 'return-at'?: string } }} context
 * @param {LeavingTransition} transition
 */
export async function startDeparture(context, transition) {
  const { args, values, limits, messages } = context;
  const api = await signedInClient(limits);
  const user = await findUser(api, args[0]);
  const request = {
    successors: await successorsIn(api, values.successor),
    overrides: overridesIn(values.override),
    reason: values.reason,
    effectiveAt: values.at,
    returnAt: values['return-at'],
    tellContacts: tellingIn(values),
    planToken: values['plan-token'],
    acceptUncounted: values['accept-uncounted'],
  };
  const isConfirmed = values.yes || request.planToken !== undefined;
  if (!isConfirmed && !process.stdin.isTTY)
    throw usageError('There is no terminal for the confirmation: use --yes, and --plan-token if you have a preview.');
  const decision = { user, transition, request };
  const departure = isConfirmed ? await decide(api, decision) : await decideConfirmed(api, messages, decision);
  return conclude(api, context, departure);
}

/**
 * Reports the departure; with --watch, after it has ended.
 * @param {HttpClient} api
 * @param {Pick<CommandContext<{ watch: { type: 'boolean' } }, 1>, 'values' | 'limits' | 'out' | 'messages' | 'report'>} context
 * @param {Departure} departure
 */
export async function conclude(api, { values, limits, out, messages, report }, departure) {
  const latest = values.watch ? await watch(api, limits, messages, departure) : departure;
  report(latest, () => showDeparture(out, latest));
  if (values.watch && latest.status === 'running')
    throw new CommandError(
      EXIT.timedOut,
      `The departure made no progress for ${inSeconds(limits.progress)}. ${unfinishedServices(latest)}`,
    );
  return UNSUCCESSFUL.includes(latest.status) ? EXIT.failed : EXIT.done;
}

/**
 * A sentence that names the services that a departure waits for.
 * @param {Departure} departure
 */
export function unfinishedServices({ services }) {
  const names = services.filter(({ status }) => status === 'pending' || status === 'running').map((one) => one.service);
  return names.length > 0 ? `Not finished: ${names.join(', ')}.` : 'All services have finished, but identity has not.';
}

/**
 * Shows the progress: a bar on a terminal, elsewhere a line for each step. Stops when there is no progress for too long.
 * @param {HttpClient} api
 * @param {TimeLimits} limits
 * @param {Terminal} messages
 * @param {Departure} departure
 */
async function watch(api, limits, messages, departure) {
  let { done, total } = departure.progress;
  let current = '';
  /** @type {Map<string, string>} */
  const statuses = new Map(departure.services.map(({ service, status }) => [service, status]));
  const missing = () => {
    const names = [...statuses].filter(([, status]) => status !== 'completed').map(([service]) => service);
    return names.length > 0 && names.length <= FEW ? `, not finished: ${names.join(', ')}` : '';
  };
  /** @type {Map<string, string>} */
  const explained = new Map();
  const explain = async () => {
    /** @type {Departure} */
    const latest = await api.get(`/v1/departures/${departure.id}`);
    for (const { service, reason } of unfinished(latest)) {
      if (explained.get(service) === reason) continue;
      explained.set(service, reason);
      if (messages.isTerminal) messages.overwrite('');
      messages.line(messages.yellow(`  … ${service}: ${reason}`));
    }
  };
  // The steps show when the gateway is away; here it does not matter.
  const silence = setInterval(() => void explain().catch(() => undefined), EXPLAIN_AFTER);
  const idle = new AbortController();
  const timer = setTimeout(() => idle.abort(), limits.progress);
  /** @param {DepartureStep} step */
  const show = ({ type, data }) => {
    timer.refresh();
    silence.refresh();
    if (type === 'departure') ({ done, total } = data.progress);
    else if (type === 'rule') current = `${ruleName(data)} ${data.action} ${data.affected}`;
    else {
      statuses.set(data.service, data.status);
      current = `${data.service} ${data.failure ? describeFailure(data.failure) : data.status}`;
    }
    if (messages.isTerminal) messages.overwrite(`  ${messages.bar(done, total)}${missing()}  ${current}`);
    else messages.line(type === 'departure' ? `${done}/${total} ${data.status}${missing()}` : current);
  };
  try {
    return await watchDeparture(api, departure, show, idle.signal);
  } catch (error) {
    if (!idle.signal.aborted) throw error;
    return await /** @type {Promise<Departure>} */ (api.get(`/v1/departures/${departure.id}`));
  } finally {
    clearTimeout(timer);
    clearInterval(silence);
    if (messages.isTerminal) messages.overwrite('');
  }
}
