/** @import { AssignmentRule, Automation } from '#libs/contracts' */
/** @import { People } from './account.mjs' */
import { mapConcurrently } from './helpers.mjs';

/**
 * Creates automations for any user and for selected users, and an assignment rule with turns.
 * @param {People} people
 */
export async function createAutomations({ owner, leaver, colleagues: [colleague, another], spec }) {
  const any = { kind: 'any' };
  const userIds = [leaver, colleague, another].map(({ user }) => user.id);
  /** @type {Promise<[Automation[], Automation, AssignmentRule, Automation]>} */
  const created = Promise.all([
    mapConcurrently(spec.automations, (name) => leaver.api.post('/v1/automations', { name, trigger: any })),
    owner.api.post('/v1/automations', { name: spec.selected, trigger: { kind: 'selected', userIds } }),
    owner.api.post('/v1/assignment-rules', { name: spec.rota, userIds }),
    colleague.api.post('/v1/automations', { name: 'Tidy up on Fridays', trigger: any }),
  ]);
  const [automations, selected, rota] = await created;
  return { automations, selected, rota };
}
