/** @import { BulkDeparture, ChoicesPreview, Departure } from '#libs/contracts' */
/** @import { HttpClient } from '../http-client.mjs' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { CommandError, EXIT } from '../exit-codes.mjs';
import { HttpError } from '../http-client.mjs';
import { ask } from '../terminal/prompt.mjs';
import { staleChanges } from './confirmed-plan.mjs';
import { showPreview } from './departure-views.mjs';
import { describeChanges } from './plan-changes.mjs';
import { findUser, nameOf } from './users.mjs';

/**
 * What waits: a departure, or a list. They have the same kind of id.
 * @typedef {{ path: string, departure: Departure } | { path: string, list: BulkDeparture }} Waiting
 */

/**
 * @param {HttpClient} api
 * @param {string} id
 * @returns {Promise<Waiting>}
 */
export async function findWaiting(api, id) {
  const path = `/v1/departures/${encodeURIComponent(id)}`;
  try {
    return { path, departure: await api.get(path) };
  } catch (error) {
    if (!(error instanceof HttpError) || error.status !== 404) throw error;
    const ofList = `/v1/departures/bulk/${encodeURIComponent(id)}`;
    return { path: ofList, list: await api.get(`${ofList}?limit=1`) };
  }
}

/**
 * Shows the plan as it is now, asks for confirmation and approves exactly this plan. If it has changed meanwhile, shows what has
 * changed and asks again.
 * @param {HttpClient} api
 * @param {Terminal} messages
 * @param {{ path: string, departure: Departure }} waiting
 * @returns {Promise<Departure>}
 */
export async function approveConfirmed(api, messages, { path, departure }) {
  const user = await findUser(api, departure.userId);
  for (;;) {
    const preview = await previewOf(api, departure);
    showPreview(messages, preview, `If ${nameOf(user)} is ${departure.transition}`);
    if (departure.inboxId) messages.line('  The number and the threads become a shared inbox.');
    else if (!preview.possible) throw new CommandError(EXIT.failed, 'This is not possible now.');
    await confirmApproval();
    try {
      return await api.post(`${path}/approve`, { planToken: preview.planToken, acceptUncounted: true });
    } catch (error) {
      const changes = staleChanges(error);
      if (!changes) throw error;
      messages.line(messages.yellow('Something has changed since this plan was shown:'));
      for (const line of describeChanges(changes)) messages.line(`  ${line}`);
    }
  }
}

/** @throws CommandError unless the user types the word */
export async function confirmApproval() {
  if ((await ask('Type approve to continue: ')) !== 'approve')
    throw new CommandError(EXIT.failed, 'Nothing has been changed.');
}

/**
 * The plan of what was requested. A day that has passed cannot be previewed: the approval would carry it out now.
 * @param {HttpClient} api
 * @param {Departure} departure
 * @returns {Promise<ChoicesPreview>}
 */
function previewOf(api, departure) {
  const { userId, transition, successors, overrides, tellContacts, returnAt, restore, effectiveAt, approval } =
    departure;
  const isLater = approval?.immediate === false && Date.parse(effectiveAt) > Date.now();
  return api.post(`/v1/users/${userId}/departure-preview`, {
    transition,
    successors,
    overrides,
    tellContacts,
    ...(isLater && { effectiveAt }),
    ...(returnAt && { returnAt, restore }),
  });
}
