import { DEMO_PASSWORD, type DemoAccount } from '../../scripts/demo/account.mjs';
import { PASSWORD, signIn, type Place } from './cast.js';
import type { Listener } from './observers/listener.js';

/** Confirms a password, revokes the token of another user, and changes the owner's address. */
export async function useProofs(
  place: Place,
  listener: Listener,
  { owner, colleagues: [, lena] }: DemoAccount,
): Promise<void> {
  const session = await signIn(place, lena.email);
  await session.post('/v1/auth/step-up', { password: PASSWORD });
  const { id } = await session.post('/v1/me/api-tokens', { name: 'Script', scopes: ['read'] });
  const asOwner = place.api(owner.api.token);
  await asOwner.delete(`/v1/users/${lena.user.id}/api-tokens/${id as string}`);
  const email = `new.${owner.email}`;
  await asOwner.patch(`/v1/users/${owner.user.id}`, { email, currentPassword: DEMO_PASSWORD });
  const token = await listener.mailedTo(email);
  await place.api().post('/v1/auth/email-change/confirm', { token });
  owner.email = email;
}
