import { DEMO_PASSWORD, type DemoAccount } from '../../scripts/demo/account.mjs';
import type { Json } from './api.js';
import { signInFromBrowser } from './browser.js';
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

/** Signs in and out as programs and browsers do, with a password, an invitation and a reset. */
export async function signInAndOut(place: Place, listener: Listener, people: DemoAccount): Promise<void> {
  const [, lena] = people.colleagues;
  const login = { email: people.owner.email, password: DEMO_PASSWORD };
  const nobody = place.api();
  const { accessToken, refreshToken } = await nobody.post('/v1/auth/login', login);
  await nobody.post('/v1/auth/refresh', { refreshToken });
  const again = place.api(accessToken as string);
  const ended = (await again.get<{ items: Json[] }>('/v1/me/sessions')).items.find((one) => one.current);
  await again.delete(`/v1/me/sessions/${ended!.id as string}`);
  const headers = await signInFromBrowser(place.url, login);
  for (const method of ['GET', 'DELETE']) await fetch(`${place.url}/v1/auth/session`, { method, headers });
  const third = await nobody.post('/v1/auth/login', login);
  await place.api(third.accessToken as string).post('/v1/auth/logout');
  await nobody.post('/v1/invitations/accept', { token: people.leaver.invitation, password: PASSWORD });
  await nobody.post('/v1/auth/password-reset', { email: lena.email });
  const token = await listener.mailedTo(lena.email);
  await nobody.post('/v1/auth/password-reset/confirm', { token, password: PASSWORD });
}
