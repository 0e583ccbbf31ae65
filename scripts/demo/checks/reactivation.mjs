/** @import { Dashboard, Me } from '#libs/contracts' */
/** @import { Scene } from '../story.mjs' */
import { signIn } from '../account.mjs';
import { refusal, until } from '../helpers.mjs';
import { refresh, statuses, useApiToken } from './probes.mjs';

/**
 * Checks what a reactivation has restored.
 * @param {Scene} scene
 */
export async function checkReactivation(scene) {
  const { checks, leaver, account, anonymous, admin, content } = scene;
  const { api } = await signIn(anonymous, { email: leaver.email, accountId: account.id });
  /** @type {Me} */
  const me = await api.get('/v1/me');
  checks.same('The old password works, and the roles are as before', me.roles, leaver.user.roles);
  checks.same('The teams are as before', me.teamIds.toSorted(), leaver.user.teamIds.toSorted());
  // A worker releases held messages, a moment after the reactivation.
  const released = () => statuses(admin, '/v1/scheduled-messages', content.scheduled);
  await until('The release of the held messages', released, (found) => found.join() === 'scheduled');
  checks.that('The held messages are scheduled again, as their time has not come', true);
  /** @type {Dashboard[]} */
  const dashboards = await api.all('/v1/dashboards?ownerId=me&shared=false');
  checks.same('The private dashboards are back', idsOf(dashboards), idsOf(content.privateDashboards));
  checks.same('The meeting page stays closed', await refusal(anonymous.get(content.schedulerLink.url)), 'gone');
  checks.same('The old refresh token stays invalid', await refresh(scene), 'unauthenticated');
  checks.same('The API tokens stay invalid', await useApiToken(scene), 'unauthenticated');
}

/** @param {{ id: string }[]} items */
const idsOf = (items) => items.map(({ id }) => id).sort();
