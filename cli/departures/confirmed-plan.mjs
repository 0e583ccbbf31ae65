/** @import { ChoicesPreview, Departure, PlanChange, PreviewedTransition, User } from '#libs/contracts' */
/** @import { HttpClient } from '../http-client.mjs' */
/** @import { Terminal } from '../terminal/terminal.mjs' */
import { CommandError, EXIT } from '../exit-codes.mjs';
import { HttpError } from '../http-client.mjs';
import { ask } from '../terminal/prompt.mjs';
import { showPreview } from './departure-views.mjs';
import { describeChanges } from './plan-changes.mjs';
import { nameOf } from './users.mjs';

export const VERBS = /** @type {const} */ ({ deactivated: 'deactivate', deleted: 'delete', reactivated: 'reactivate' });

/**
 * What is to be decided about a user.
 * @typedef {object} Decision
 * @property {User} user
 * @property {PreviewedTransition} transition
 * @property {object} request as the API takes it
 */

/**
 * @param {HttpClient} api
 * @param {Decision} decision
 * @returns {Promise<Departure>}
 */
export const decide = (api, { user, transition, request }) =>
  api.post(`/v1/users/${user.id}/${VERBS[transition]}`, request);

/**
 * Shows the plan of exactly this request, asks for confirmation and carries out exactly this plan. If it has changed
 * meanwhile, shows what has changed and asks again.
 * @param {HttpClient} api
 * @param {Terminal} messages
 * @param {Decision} decision
 * @param {(question: string) => Promise<string>} [answer]
 */
export async function decideConfirmed(api, messages, { user, transition, request }, answer = ask) {
  for (;;) {
    const preview = await planOf(api, { user, transition, request });
    showPreview(messages, preview, `If ${nameOf(user)} is ${transition}`);
    if (!preview.possible)
      throw new CommandError(EXIT.failed, `To ${VERBS[transition]} this user is not possible now.`);
    if ((await answer(`Type ${VERBS[transition]} to continue: `)) !== VERBS[transition])
      throw new CommandError(EXIT.failed, 'Nothing has been changed.');
    try {
      return await decidePlanned(api, { user, transition, request }, preview);
    } catch (error) {
      const changes = staleChanges(error);
      if (!changes) throw error;
      messages.line(messages.yellow('Something has changed since this plan was shown:'));
      for (const line of describeChanges(changes)) messages.line(`  ${line}`);
    }
  }
}

/**
 * @param {HttpClient} api
 * @param {Decision} decision
 * @returns {Promise<ChoicesPreview>}
 */
export const planOf = (api, { user, transition, request }) =>
  api.post(`/v1/users/${user.id}/departure-preview`, { ...request, transition });

/**
 * Carries out the previewed plan.
 * @param {HttpClient} api
 * @param {Decision} decision
 * @param {ChoicesPreview} preview
 */
export function decidePlanned(api, { user, transition, request }, { planToken }) {
  // The confirmed preview has named what could not be counted.
  const counted = transition === 'reactivated' ? {} : { acceptUncounted: true };
  return decide(api, { user, transition, request: { ...request, ...counted, planToken } });
}

/**
 * What has changed, if the plan is not the previewed one.
 * @param {unknown} error
 * @returns {readonly PlanChange[] | undefined}
 */
export const staleChanges = (error) =>
  error instanceof HttpError && error.code === 'plan-stale' ? (error.problem.changes ?? []) : undefined;
