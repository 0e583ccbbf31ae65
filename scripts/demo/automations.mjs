import { mapConcurrently } from './helpers.mjs';

/** What runs by itself: for any user, for some, and taking turns. */
export async function automate({ owner, leaver, colleagues, spec }) {
  const any = { kind: 'any' };
  const userIds = [leaver, ...colleagues.slice(0, 2)].map(({ user }) => user.id);
  const [automations, selected, rota] = await Promise.all([
    mapConcurrently(spec.automations, (name) => leaver.api.post('/v1/automations', { name, trigger: any })),
    owner.api.post('/v1/automations', { name: spec.selected, trigger: { kind: 'selected', userIds } }),
    owner.api.post('/v1/assignment-rules', { name: spec.rota, userIds }),
    colleagues[0].api.post('/v1/automations', { name: 'Tidy up on Fridays', trigger: any }),
  ]);
  return { automations, selected, rota };
}
